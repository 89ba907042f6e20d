-- Why an e-mail went out although the customer has a telephone number.
alter table notifications add column fallback_reason text;
