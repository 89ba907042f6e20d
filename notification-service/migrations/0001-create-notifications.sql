-- Customers as their events last told of them; a purged one keeps only its id.
create table customers (
  id uuid primary key,
  name text,
  phone text,
  email text,
  locale text,
  sms_opt_out boolean not null default false,
  deleted boolean not null default false,
  purged boolean not null default false,
  version integer not null
);

create table notifications (
  id uuid primary key,
  template text not null,
  order_id uuid,
  customer_id uuid,
  -- What the text is made of; nothing of it tells of a person.
  content jsonb not null,
  status text not null default 'queued' check (status in ('queued', 'sent', 'delivered', 'failed', 'skipped')),
  channel text check (channel in ('sms', 'email')),
  recipient text,
  locale text,
  provider text,
  provider_message_id text,
  reason text,
  cost text,
  attempts integer not null default 0,
  -- Attempts of which it is certain that nothing was taken, since it was queued.
  failures integer not null default 0,
  queued_at timestamptz(3) not null default now(),
  -- When the next attempt is due; null while one is under way and after the last.
  due_at timestamptz(3) default now(),
  attempt_started_at timestamptz(3),
  -- Set while an attempt is under way; past it, whoever made the attempt has died.
  claimed_until timestamptz(3),
  created_at timestamptz(3) not null default now(),
  sent_at timestamptz(3),
  delivered_at timestamptz(3),
  updated_at timestamptz(3) not null default now(),
  version integer not null default 1,
  constraint notifications_once unique (order_id, template)
);

create index notifications_by_created_at on notifications (created_at, id);
create index notifications_by_updated_at on notifications (updated_at, id);
create index notifications_by_status on notifications (status, created_at, id);
create index notifications_by_channel on notifications (channel, created_at, id);
create index notifications_of_customer on notifications (customer_id, created_at, id);
create index notifications_due on notifications (due_at) where status = 'queued';
create index notifications_under_way on notifications (claimed_until) where claimed_until is not null;
create index notifications_by_message on notifications (provider, provider_message_id)
  where provider_message_id is not null;
create index notifications_of_unknown_outcome on notifications (provider, recipient)
  where reason = 'outcome_unknown';

-- Delivery reports that came before the provider's answer was recorded; kept for minutes.
create table delivery_reports (
  provider text not null,
  message_id text not null,
  status text not null check (status in ('underway', 'delivered', 'failed')),
  recipient text,
  reason text,
  received_at timestamptz(3) not null default now(),
  primary key (provider, message_id, status)
);
create index delivery_reports_by_age on delivery_reports (received_at);
create index delivery_reports_by_recipient on delivery_reports (recipient);
