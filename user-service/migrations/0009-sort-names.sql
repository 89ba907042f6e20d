-- outside a transaction
-- Names in the order that people expect, whatever the locale of the database. The former indexes serve the previous release.
drop index concurrently if exists users_sorted_by_username;
create index concurrently users_sorted_by_username on users (username collate text_order, id)
  where deleted_at is null;
drop index concurrently if exists users_sorted_by_email;
create index concurrently users_sorted_by_email on users (email collate text_order, id)
  where deleted_at is null;
drop index concurrently if exists people_sorted_by_display_name;
create index concurrently people_sorted_by_display_name on users (display_name collate text_order, id)
  where deleted_at is null and roles <> '{}';
