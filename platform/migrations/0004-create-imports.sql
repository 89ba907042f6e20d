create table imports (
  id uuid primary key,
  entity text not null,
  file_id uuid references job_files (id) on delete set null,
  name text,
  format jsonb not null,
  encoding text not null,
  bytes bigint not null,
  sha256 text not null,
  columns jsonb not null,
  mapping jsonb not null,
  match_by text not null,
  on_match text not null,
  -- The first errors of the dry run, or of the commit once there is one.
  errors jsonb not null default '[]',
  total integer,
  previous_import uuid,
  check_job uuid references jobs (id),
  commit_job uuid references jobs (id),
  undo_job uuid references jobs (id),
  created_at timestamptz(3) not null default clock_timestamp(),
  created_by text not null,
  created_by_name text not null,
  expires_at timestamptz(3) not null
);
create index imports_by_created_at on imports (created_at, id);
create index imports_of_creator on imports (created_by, created_at, id);
create index imports_of_content on imports (sha256);
create index imports_expiring on imports (expires_at);

-- What an import did to each thing: its version afterwards and, of one that was there, what its changed fields were before.
create table import_changes (
  import_id uuid not null references imports (id) on delete cascade,
  subject uuid not null,
  created boolean not null,
  version integer not null,
  edits integer not null,
  previous jsonb,
  undone text,
  primary key (import_id, subject)
);

create view import_overview as
select imports.*,
  coalesce(undo_job, commit_job, check_job) as job_id,
  done.counts, latest.progress, latest.error, latest.errors_file, done.finished_at,
  case
    when undo.status in ('queued', 'running', 'cancelling') then 'undoing'
    when undo.status = 'succeeded' then 'undone'
    when commit.status in ('queued', 'running', 'cancelling') then 'importing'
    when commit.status = 'succeeded' then 'finished'
    when commit.status is not null then commit.status
    when checked.status in ('queued', 'running', 'cancelling') then 'checking'
    when checked.status = 'succeeded' then 'checked'
    else checked.status
  end as status
from imports
  left join jobs as checked on checked.id = check_job
  left join jobs as commit on commit.id = commit_job
  left join jobs as undo on undo.id = undo_job
  left join jobs as done on done.id = coalesce(commit_job, check_job)
  left join jobs as latest on latest.id = coalesce(undo_job, commit_job, check_job);
