-- outside a transaction
-- Customers of the time before the code was kept; the reconciliation reads customer-service only while there are any.
drop index concurrently if exists customers_without_code;
create index concurrently customers_without_code on customers (id) where code is null and not purged;
