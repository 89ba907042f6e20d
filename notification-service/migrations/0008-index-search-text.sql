-- outside a transaction
drop index concurrently if exists notifications_by_search_text;
create index concurrently notifications_by_search_text on notifications using gin (search_text gin_trgm_ops);
-- Notifications of the time before the column, new ones, and those whose text has to be written anew.
drop index concurrently if exists notifications_without_search_text;
create index concurrently notifications_without_search_text on notifications (id) where search_text is null;
-- q with a whole order number or customer code.
drop index concurrently if exists notifications_by_order_number;
create index concurrently notifications_by_order_number on notifications ((content ->> 'number'));
drop index concurrently if exists customers_by_code;
create index concurrently customers_by_code on customers (code);
