-- outside a transaction
-- As with customers: name and SKU are in the search text.
drop index concurrently if exists products_by_search_text;
create index concurrently products_by_search_text on products using gin (search_text gin_trgm_ops)
  where archived_at is null;
drop index concurrently if exists products_by_text;
