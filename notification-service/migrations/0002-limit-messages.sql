-- Who caused the message, for the limit per author.
alter table notifications add column author_id text;

-- For counting what was sent within an hour or a day.
create index notifications_by_attempt on notifications (attempt_started_at) where attempt_started_at is not null;
create index notifications_by_recipient on notifications (recipient, attempt_started_at)
  where attempt_started_at is not null;
create index notifications_by_author on notifications (author_id, attempt_started_at)
  where attempt_started_at is not null;
