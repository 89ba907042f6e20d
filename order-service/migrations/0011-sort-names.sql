-- outside a transaction
-- Names in the order that people expect, whatever the locale of the database. The former indexes serve the previous release.
drop index concurrently if exists products_sorted_by_name;
create index concurrently products_sorted_by_name on products (name collate text_order, id)
  where archived_at is null;
drop index concurrently if exists products_sorted_by_sku;
create index concurrently products_sorted_by_sku on products (sku collate text_order, id)
  where archived_at is null;
