-- The order was cancelled: what has not been sent about it is skipped.
alter table notifications add column order_cancelled boolean not null default false;
