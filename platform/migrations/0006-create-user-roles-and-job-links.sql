-- The roles of users, as user-service last published them: empty for a disabled or deleted user. A user without a row has not
-- changed since this table exists.
create table user_roles (
  id text primary key,
  version integer not null,
  roles text[] not null
);

-- Links to files of jobs, which work without an access token. Only a hash of the secret in a link is stored.
create table job_links (
  token_hash bytea primary key,
  job_id uuid not null references jobs (id) on delete cascade,
  file text not null check (file in ('result', 'errors')),
  user_id text not null,
  expires_at timestamptz(3) not null
);
create index job_links_of_job on job_links (job_id);
create index job_links_of_user on job_links (user_id, expires_at);
create index job_links_expiring on job_links (expires_at);
