-- Who the customers of orders are, by the events of customer-service. Null until the first reconciliation, and after a purge.
alter table customers add column code text, add column display_name text;
