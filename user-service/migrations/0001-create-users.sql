-- A projection of Keycloak's users; Keycloak is the truth. A deleted user stays as id and display name (a tombstone).
create table users (
  id text primary key,
  username text,
  email text,
  email_verified boolean not null,
  name text,
  surname text,
  display_name text not null,
  roles text[] not null,
  enabled boolean not null,
  created_at timestamptz(3) not null,
  last_login_at timestamptz(3),
  deleted_at timestamptz(3),
  version integer not null check (version > 0),
  search_text text not null,
  -- Keycloak's own not-before of the user, in seconds since 1970
  not_before bigint not null default 0,
  signed_out_at timestamptz(3),
  -- null asks for a check soon: roles by group or composite change without an event of the user
  roles_checked_at timestamptz(3),
  check (deleted_at is not null or username is not null)
);
create index users_created_at on users (created_at, id) where deleted_at is null;
create index users_username on users (username, id) where deleted_at is null;
create index users_email on users (email, id) where deleted_at is null;
create index users_search_text on users using gin (search_text public.gin_trgm_ops) where deleted_at is null;
create index users_roles on users using gin (roles) where deleted_at is null;
create index users_roles_checked_at on users (roles_checked_at nulls first) where deleted_at is null;

-- Tokens of user_id issued at or before not_before are refused by the gateway.
create table revocations (
  user_id text primary key,
  not_before timestamptz(3) not null,
  changed_at timestamptz(3) not null default clock_timestamp()
);
create index revocations_changed_at on revocations (changed_at);

-- Events of Keycloak that were worked off, kept a little longer than the overlap in which they are read again.
create table keycloak_events (
  id text primary key,
  source text not null check (source in ('admin', 'user')),
  occurred_at bigint not null
);
create index keycloak_events_occurred_at on keycloak_events (source, occurred_at);

-- Up to where each source was read (milliseconds since 1970), and when other recurring things were last done.
create table watermarks (
  name text primary key,
  at bigint not null
);

-- Which session is whose, learnt from sign-ins: the removal of a single session names nobody.
create table sign_ins (
  session_id text primary key,
  user_id text not null,
  at timestamptz(3) not null
);
create index sign_ins_at on sign_ins (at);
create index sign_ins_user_id on sign_ins (user_id);

-- Written before Keycloak is asked to create the user, so that user.created carries the wish after a crash as well.
create table signup_intents (
  email text primary key,
  created_at timestamptz(3) not null default clock_timestamp()
);

-- Mails that Keycloak is to send: worked off after the answer, so that the answer tells nothing.
create table mails (
  id uuid primary key,
  purpose text not null check (purpose in ('password_reset', 'verify_email')),
  -- an address for a reset, a user id for a verification
  recipient text not null,
  attempts integer not null default 0,
  next_at timestamptz(3) not null default clock_timestamp(),
  created_at timestamptz(3) not null default clock_timestamp(),
  sent_at timestamptz(3),
  unique (purpose, recipient)
);
create index mails_next_at on mails (next_at) where sent_at is null;

-- Failed sign-ins by name (a keyed hash), whether such a user exists or not.
create table sign_in_failures (
  name_hash text primary key,
  failures integer not null,
  last_at timestamptz(3) not null,
  locked_until timestamptz(3)
);
create index sign_in_failures_last_at on sign_in_failures (last_at);
