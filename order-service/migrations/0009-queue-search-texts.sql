-- Customers with another name or code than their orders are searched by. after_id is the last order that has been written.
create table order_text_refreshes (
  customer_id uuid primary key,
  after_id uuid
);

create function refresh_order_texts() returns trigger language plpgsql
-- Also for a session that writes with another search_path.
set search_path from current as $$
begin
  -- An order that is being placed holds a lock on its customer, so this sees it.
  if exists (select from orders where customer_id = new.id) then
    insert into order_text_refreshes (customer_id) values (new.id)
    on conflict (customer_id) do update set after_id = null;
  end if;
  return null;
end
$$;

create trigger customers_refresh_order_texts after update of code, display_name on customers
  for each row when ((old.code, old.display_name) is distinct from (new.code, new.display_name))
  execute function refresh_order_texts();
