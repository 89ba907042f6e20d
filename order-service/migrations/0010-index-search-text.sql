-- outside a transaction
drop index concurrently if exists orders_by_search_text;
create index concurrently orders_by_search_text on orders using gin (search_text gin_trgm_ops);
-- Orders of the time before the column, and those that a replica of the previous release places.
drop index concurrently if exists orders_without_search_text;
create index concurrently orders_without_search_text on orders (id) where search_text is null;
-- q with a whole customer code.
drop index concurrently if exists customers_by_code;
create index concurrently customers_by_code on customers (code);
