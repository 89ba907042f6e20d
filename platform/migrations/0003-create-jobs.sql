-- A file of a job: what came in, a result, the list of errors. It is whole once it has a checksum.
create table job_files (
  id uuid primary key,
  name text not null,
  content_type text not null,
  bytes bigint,
  sha256 text,
  created_at timestamptz(3) not null default clock_timestamp(),
  expires_at timestamptz(3) not null
);
create index job_files_expiring on job_files (expires_at);

-- Each chunk is compressed by itself.
create table job_file_chunks (
  file_id uuid not null references job_files (id) on delete cascade,
  position integer not null,
  bytes bytea not null,
  primary key (file_id, position)
);
alter table job_file_chunks alter column bytes set storage external;

create table jobs (
  id uuid primary key,
  kind text not null,
  status text not null default 'queued'
    check (status in ('queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled')),
  owner_id text not null,
  owner_name text not null,
  -- What the job belongs to and goes with.
  parent uuid,
  input jsonb not null default '{}',
  -- The checkpoint: what the next step goes on from.
  state jsonb,
  counts jsonb not null default '{}',
  progress double precision,
  error jsonb,
  result_file uuid references job_files (id) on delete set null,
  errors_file uuid references job_files (id) on delete set null,
  -- Whoever runs it holds the lease; a step commits only under the one that is stored here.
  lease uuid,
  leased_until timestamptz(3),
  attempts integer not null default 0,
  run_at timestamptz(3) not null default clock_timestamp(),
  created_at timestamptz(3) not null default clock_timestamp(),
  started_at timestamptz(3),
  finished_at timestamptz(3),
  expires_at timestamptz(3)
);
create index jobs_open on jobs (coalesce(leased_until, run_at)) where status in ('queued', 'running', 'cancelling');
create index jobs_by_created_at on jobs (created_at, id);
create index jobs_of_owner on jobs (owner_id, created_at, id);
create index jobs_of_parent on jobs (parent) where parent is not null;
create index jobs_expiring on jobs (expires_at) where expires_at is not null;
