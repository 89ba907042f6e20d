-- Who made or changed a customer, and how often, is noted with each row that is written: a change is a version. Machines of
-- ours are nobody's editor.
create function record_customer_editor() returns trigger language plpgsql
-- Also for a session that writes with another search_path.
set search_path from current as $$
begin
  insert into customer_editors (customer_id, user_id, user_name, first_at, last_at, edits)
  values (new.id, new.updated_by, new.updated_by_name, new.updated_at, new.updated_at,
    new.version - coalesce(old.version, 0))
  on conflict (customer_id, user_id) do update
  set last_at = excluded.last_at, edits = customer_editors.edits + excluded.edits, user_name = excluded.user_name;
  return null;
end
$$;

create trigger customers_record_editor after insert or update of version on customers
  for each row when (new.updated_by not like 'system:%') execute function record_customer_editor();
