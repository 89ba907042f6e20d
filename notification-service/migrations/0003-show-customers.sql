-- What notifications show of a customer. Null for customers known before, until they are read again.
alter table customers add column code text;
alter table customers add column surname text;
