-- outside a transaction
-- Also products that cannot be ordered: the list shows them, and the metric filters by the last column.
drop index concurrently if exists products_low_stock;
create index concurrently products_low_stock on products (created_at, id, active)
  where archived_at is null and low_stock_at is not null and stock <= low_stock_at;
drop index concurrently if exists products_low;
