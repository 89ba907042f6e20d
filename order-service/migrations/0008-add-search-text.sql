-- The text that q searches. It is null until the task order-search-text has written it.
-- An export reads orders for many minutes, and whatever waits for its lock makes all others wait as well. So it waits a second only.
do $$
begin
  for attempt in 1..1800 loop
    begin
      set local lock_timeout = '1s';
      alter table orders add column search_text text;
      return;
    exception when lock_not_available then
      perform pg_sleep(1);
    end;
  end loop;
  raise exception 'orders are locked, perhaps by an export: try again later';
end
$$;
