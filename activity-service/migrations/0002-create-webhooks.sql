-- A webhook is a cursor in `events`: those up to `position` were delivered, or wait in `webhook_retries`. `position_at` is the time at
-- which that event was recorded, so that reading on leaves the partitions of earlier months alone.
create table webhooks (
  id uuid primary key,
  url text not null,
  events text[] not null,
  description text,
  ordered boolean not null,
  payload text not null check (payload in ('full', 'reference')),
  -- Encrypted with a key that is not in the database.
  secret bytea not null,
  previous_secret bytea,
  previous_secret_until timestamptz(3),
  rotated_at timestamptz(3),
  paused_reason text check (paused_reason in ('deactivated', 'failing', 'gone')),
  position bigint not null,
  position_at timestamptz(3) not null,
  -- Failed attempts since the last success.
  failures integer not null default 0,
  failing_since timestamptz(3),
  last_success_at timestamptz(3),
  -- The replica that sends for it.
  leased_by uuid,
  leased_until timestamptz(3),
  created_at timestamptz(3) not null,
  created_by text not null,
  created_by_name text not null,
  updated_at timestamptz(3) not null,
  updated_by text not null,
  updated_by_name text not null,
  version integer not null
);
create index webhooks_by_created_at on webhooks (created_at, id);

-- A second cursor beside `webhooks.position`, from `position` to `until_seq`.
create table webhook_replays (
  webhook_id uuid primary key references webhooks on delete cascade,
  position bigint not null,
  position_at timestamptz(3) not null,
  until_seq bigint not null,
  types text[] not null,
  requested_at timestamptz(3) not null
);

-- Events that failed, or wait behind one of the same subject that failed.
create table webhook_retries (
  webhook_id uuid not null references webhooks on delete cascade,
  seq bigint not null,
  recorded_at timestamptz(3) not null,
  subject text not null,
  attempts integer not null,
  next_at timestamptz(3) not null,
  primary key (webhook_id, seq)
);
create index webhook_retries_by_next_at on webhook_retries (webhook_id, next_at);
create index webhook_retries_by_subject on webhook_retries (webhook_id, subject, seq);

-- The replicas that send. Each takes its share of the webhooks.
create table webhook_senders (
  id uuid primary key,
  seen_at timestamptz(3) not null
);

-- Every attempt, in a partition of its day (UTC).
create table webhook_deliveries (
  id uuid not null,
  at timestamptz(3) not null,
  webhook_id uuid not null,
  seq bigint not null,
  event_id uuid not null,
  type text not null,
  subject text not null,
  attempt integer not null,
  status text not null check (status in ('delivered', 'failed')),
  response_status integer,
  error text,
  duration_ms integer not null,
  answer text,
  next_attempt_at timestamptz(3),
  primary key (id, at)
) partition by range (at);
create index webhook_deliveries_by_at on webhook_deliveries (webhook_id, at, id);
create index webhook_deliveries_by_subject on webhook_deliveries (subject, seq);

-- As in 0001: these functions run as the owner, for the partitions of a day only.
do $functions$
begin
  execute format($create$
    create function create_delivery_partition(day date) returns void language plpgsql security definer
    set search_path = %1$I, pg_temp as $body$
    declare
      child text := 'webhook_deliveries' || to_char(day, '_YYYY_MM_DD');
    begin
      -- Attaching takes this lock as well. Taken before, it keeps two replicas from creating the same partition.
      lock table webhook_deliveries in share update exclusive mode;
      if to_regclass(child) is null then
        execute format('create table %%I (like webhook_deliveries including all)', child);
        execute format('alter table webhook_deliveries attach partition %%I for values from (%%L) to (%%L)', child,
          day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
      end if;
    end
    $body$
  $create$, current_schema());
  execute format($create$
    create function drop_delivery_partitions(before date) returns void language plpgsql security definer
    set search_path = %1$I, pg_temp as $body$
    declare
      child text;
    begin
      for child in
        select relname from pg_inherits join pg_class on pg_class.oid = inhrelid
        where inhparent = 'webhook_deliveries'::regclass and relname < 'webhook_deliveries' || to_char(before, '_YYYY_MM_DD')
      loop
        execute format('alter table webhook_deliveries detach partition %%I', child);
        execute format('drop table %%I', child);
      end loop;
    end
    $body$
  $create$, current_schema());
end
$functions$;
select create_delivery_partition(current_date), create_delivery_partition(current_date + 1);
