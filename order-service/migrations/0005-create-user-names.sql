-- Display names of users, by the events of user-service.
create table user_names (
  id text primary key,
  display_name text not null,
  version integer not null,
  deleted boolean not null
);

-- E-mail addresses that stood for names.
update products set created_by_name = '' where created_by_name like '%@%';
update products set updated_by_name = '' where updated_by_name like '%@%';
update orders set created_by_name = '' where created_by_name like '%@%';
update orders set updated_by_name = '' where updated_by_name like '%@%';
update stock_movements set created_by_name = '' where created_by_name like '%@%';
