-- The text that q searches. It is null until the task notification-search-text has written it.
alter table notifications add column search_text text;

-- Customers with another name or code than their notifications are searched by. after_id is the last one that has been written.
create table search_text_refreshes (
  customer_id uuid primary key,
  after_id uuid
);

create function refresh_search_texts() returns trigger language plpgsql
-- Also for a session that writes with another search_path.
set search_path from current as $$
begin
  insert into search_text_refreshes (customer_id)
  select new.id where exists (select from notifications where customer_id = new.id)
  on conflict (customer_id) do update set after_id = null;
  return null;
end
$$;

-- A customer may become known after the first notification.
create trigger customers_insert_refresh after insert on customers
  for each row execute function refresh_search_texts();
create trigger customers_update_refresh after update of code, name, surname on customers
  for each row when ((old.code, old.name, old.surname) is distinct from (new.code, new.name, new.surname))
  execute function refresh_search_texts();
