-- Every event, numbered in the order in which it was recorded. `lasting` events are about records, `passing` ones are many and soon
-- of no interest. The partition of a month (UTC) is dropped as a whole, so it is chosen by the time of recording: within a class,
-- `seq` and `recorded_at` grow together.
create table events (
  class text not null check (class in ('lasting', 'passing')),
  recorded_at timestamptz(3) not null,
  seq bigint not null,
  at timestamptz(3) not null,
  event_id uuid not null,
  -- Types are searched by their beginning, and ids only for being equal: the collation "C" serves both by an index.
  type text collate "C" not null,
  subject text collate "C" not null,
  actor_id text collate "C",
  actor_name text,
  version integer,
  bulk boolean not null,
  -- What a line in a timeline says about the record, as JSON without personal data. It stays when the body is removed.
  about text,
  -- The message as it arrived. Null once the customer was purged.
  body text,
  salt bytea,
  body_hash bytea not null,
  hash bytea not null,
  redacted_at timestamptz(3),
  primary key (class, recorded_at, seq)
) partition by list (class);
create table events_lasting partition of events for values in ('lasting') partition by range (recorded_at);
create table events_passing partition of events for values in ('passing') partition by range (recorded_at);
create index events_by_seq on events (seq);
create index events_by_type on events (type, seq);
create index events_by_actor on events (actor_id, seq);
create index events_by_time on events (at, seq);

-- The records that an event is about: its subject, and its customer and order.
create table event_refs (
  class text not null,
  recorded_at timestamptz(3) not null,
  ref text collate "C" not null,
  seq bigint not null,
  type text collate "C" not null,
  is_subject boolean not null,
  primary key (class, recorded_at, seq, ref)
) partition by list (class);
create table event_refs_lasting partition of event_refs for values in ('lasting') partition by range (recorded_at);
create table event_refs_passing partition of event_refs for values in ('passing') partition by range (recorded_at);
create index event_refs_by_ref on event_refs (ref, seq) include (type, is_subject);

-- The events about each record. Each is looked up in the partition of its month, because the planner would rather join all of them.
create view record_events as
select event_refs.class, event_refs.recorded_at, event_refs.seq, event_refs.ref, event_refs.type, event_refs.is_subject, found.*
from event_refs cross join lateral (
  select events.at, events.event_id, events.subject, events.actor_id, events.about, events.body from events
  where events.class = event_refs.class and events.recorded_at = event_refs.recorded_at and events.seq = event_refs.seq limit 1
) found;

-- The last event of each class. Locking both rows numbers events in the order of their commits.
create table head (
  class text primary key,
  seq bigint not null,
  hash bytea not null,
  recorded_at timestamptz(3) not null
);
insert into head (class, seq, hash, recorded_at)
values ('lasting', 0, '\x', '-infinity'), ('passing', 0, '\x', '-infinity');

-- What remains of a dropped partition, so that the chain of hashes can still be followed. `previous` is the hash before its first
-- event, `hash` that of its last.
create table seals (
  class text not null,
  month date not null,
  first_seq bigint not null,
  last_seq bigint not null,
  rows bigint not null,
  previous bytea not null,
  hash bytea not null,
  dropped_at timestamptz(3) not null,
  primary key (class, month)
);

-- Purged customers: bodies of later events about them are not stored.
create table redactions (
  ref text collate "C" primary key,
  redacted_at timestamptz(3) not null
);

-- Display names as the last recorded event of each user has them; they outlive the user.
create table user_names (
  id text primary key,
  display_name text not null,
  version integer not null,
  deleted boolean not null default false
);

-- How the last check of all events and seals went.
create table chain_checks (
  finished_at timestamptz(3) not null,
  checked bigint not null,
  redacted bigint not null,
  first_broken bigint
);

-- Messages that are no events, as they came.
create table unreadable_messages (
  id bigint generated always as identity primary key,
  received_at timestamptz(3) not null default clock_timestamp(),
  routing_key text not null,
  reason text not null,
  content bytea not null
);

-- The service's own role cannot create or drop tables. These functions run as the owner, for the partitions of a month only.
do $functions$
begin
  execute format($create$
    create function create_partitions(month date) returns void language plpgsql security definer
    set search_path = %1$I, pg_temp as $body$
    declare
      starts date := date_trunc('month', month);
      parent text;
      child text;
    begin
      foreach parent in array array['events_lasting', 'events_passing', 'event_refs_lasting', 'event_refs_passing'] loop
        child := parent || to_char(starts, '_YYYY_MM');
        if to_regclass(child) is null then
          -- Attaching locks less than creating in place: readers go on.
          execute format('create table %%I (like %%I including all)', child, parent);
          execute format('alter table %%I attach partition %%I for values from (%%L) to (%%L)', parent, child,
            starts::timestamp at time zone 'UTC', (starts + interval '1 month') at time zone 'UTC');
        end if;
      end loop;
    end
    $body$
  $create$, current_schema());
  -- One table in a transaction: who locks both waits for readers that hold the other.
  execute format($create$
    create function drop_partition(of_table text, class text, month date) returns void language plpgsql security definer
    set search_path = %1$I, pg_temp as $body$
    declare
      parent text := of_table || '_' || class;
      child text := parent || to_char(month, '_YYYY_MM');
    begin
      if parent not in ('events_lasting', 'events_passing', 'event_refs_lasting', 'event_refs_passing') then
        raise exception '%% has no partitions of months', parent;
      end if;
      if to_regclass(child) is not null then
        execute format('alter table %%I detach partition %%I', parent, child);
        execute format('drop table %%I', child);
      end if;
    end
    $body$
  $create$, current_schema());
end
$functions$;
select create_partitions(current_date), create_partitions((current_date + interval '1 month')::date);
