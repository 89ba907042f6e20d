-- Sessions whose tokens are not revoked although they may be of the second of not_before. They belong to the revocation of
-- kept_for: an earlier version of user-service, which may still run, moves not_before without them.
alter table revocations
  add column kept_sessions text[] not null default '{}',
  add column kept_for timestamptz(3);

-- Revoked are all tokens of a session, or those of a user's tokens issued at or before not_before that carry a role.
create table partial_revocations (
  key text primary key,
  -- null if nobody knows whose session it was
  user_id text,
  session_id text,
  role text,
  not_before timestamptz(3) not null,
  changed_at timestamptz(3) not null default clock_timestamp(),
  check (num_nonnulls(session_id, role) = 1),
  check (user_id is not null or session_id is not null)
);
create index partial_revocations_changed_at on partial_revocations (changed_at, key);
