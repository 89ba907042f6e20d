-- What was sent; null for messages that were sent before this was kept, and after a purge.
alter table notifications add column subject text;
alter table notifications add column text text;
