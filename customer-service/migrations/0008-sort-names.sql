-- outside a transaction
-- Names in the order that people expect, whatever the locale of the database. The former indexes serve the previous release.
drop index concurrently if exists customers_sorted_by_surname;
create index concurrently customers_sorted_by_surname on customers (surname collate text_order, id)
  where deleted_at is null;
drop index concurrently if exists customers_sorted_by_name;
create index concurrently customers_sorted_by_name on customers (name collate text_order, id)
  where deleted_at is null;
