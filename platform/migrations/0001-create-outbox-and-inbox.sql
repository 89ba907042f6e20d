create table outbox (
  id bigint generated always as identity primary key,
  part smallint not null check (part between 0 and 7),
  event_id uuid not null,
  type text not null,
  subject text not null,
  data json not null,
  traceparent text,
  created_at timestamptz(3) not null default clock_timestamp(),
  returned_at timestamptz(3)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- Rows come and go: what waits is found by partition in order, what the broker returned by type.
create index outbox_waiting on outbox (part, id) where returned_at is null;
create index outbox_returned on outbox (type, id) where returned_at is not null;

create table inbox (
  consumer text not null,
  event_id uuid not null,
  received_at timestamptz(3) not null default clock_timestamp(),
  primary key (consumer, event_id)
);
create index inbox_received on inbox (consumer, received_at);
