-- outside a transaction
-- Filters by a part of the address, and by a key of the metadata. Each column is served alone.
drop index concurrently if exists customers_by_address_and_metadata;
create index concurrently customers_by_address_and_metadata on customers using gin (
  address jsonb_path_ops, metadata jsonb_path_ops
) where deleted_at is null;
