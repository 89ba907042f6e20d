-- Partitions 8 to 15 hold the events of imports: those of partition n are relayed by whoever relays n - 8.
alter table outbox drop constraint outbox_part_check;
alter table outbox add constraint outbox_part_check check (part between 0 and 15);

-- Before an event of a request leaves, those of an import about the same subject do.
create index outbox_bulk_subject on outbox (subject) where part >= 8 and returned_at is null;
