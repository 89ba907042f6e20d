-- Refreshes of the last seconds, for the repetition of one whose response was lost. The tokens are encrypted with a key that
-- is derived from the refresh token, which is stored as a keyed hash only.
create table token_refreshes (
  token_hash text primary key,
  -- null while Keycloak is asked
  tokens text,
  expires_at timestamptz(3) not null
);
create index token_refreshes_expires_at on token_refreshes (expires_at);

-- Failed sign-ins with a name, as keyed hashes, whether such a user exists or not. In place of sign_in_failures, which stays
-- for replicas of the former release.
create table sign_in_counts (
  name_hash text not null,
  -- a network or a known device; empty for all attempts from unknown devices together
  source_hash text not null,
  failures integer not null,
  last_at timestamptz(3) not null,
  locked_until timestamptz(3),
  primary key (name_hash, source_hash)
);
create index sign_in_counts_last_at on sign_in_counts (last_at);
