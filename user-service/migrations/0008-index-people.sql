-- outside a transaction
-- Colleagues: the users with a role. The search is by display name only, because it is open to all of them.
drop index concurrently if exists people_by_display_name;
create index concurrently people_by_display_name on users (display_name, id) where deleted_at is null and roles <> '{}';
drop index concurrently if exists people_by_text;
create index concurrently people_by_text on users using gin (lower(display_name collate "und-x-icu") public.gin_trgm_ops)
  where deleted_at is null and roles <> '{}';
