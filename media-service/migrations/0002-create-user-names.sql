-- Display names of users, by the events of user-service.
create table user_names (
  id text primary key,
  display_name text not null,
  version integer not null,
  deleted boolean not null
);

-- E-mail addresses that stood for names.
update media set created_by_name = '' where created_by_name like '%@%';
