-- outside a transaction
-- The former index held each text twice, and most of what a new customer costs went into it. What contains a text or starts with it
-- is found by the column that holds them all.
drop index concurrently if exists customers_by_search_text;
create index concurrently customers_by_search_text on customers using gin (search_text gin_trgm_ops)
  where deleted_at is null;
drop index concurrently if exists customers_by_text;
