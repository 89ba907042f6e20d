-- What has run low is counted every half minute: by what is in this index, not by a walk through all products.
create index products_low on products (id)
  where active and archived_at is null and low_stock_at is not null and stock <= low_stock_at;
