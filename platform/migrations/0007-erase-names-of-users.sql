-- Deleted users whose names are still to be replaced in this schema's tables, portion by portion.
create table names_to_erase (
  user_id text primary key,
  part integer not null default 0,
  after_key uuid,
  passes integer not null default 0,
  run_at timestamptz(3) not null default clock_timestamp()
);

-- A user without a name was shown by the e-mail address. It is not stored any more, and an empty name is not shown.
update jobs set owner_name = '' where owner_name like '%@%';
update imports set created_by_name = '' where created_by_name like '%@%';
