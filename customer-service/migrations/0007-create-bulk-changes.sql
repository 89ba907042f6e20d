-- Changes of many customers by one job, and the job that undoes them. The job may expire before its row.
create table bulk_changes (
  id uuid primary key,
  undo_job uuid
);

-- Each customer that a job has changed: its version afterwards, and the former values of the changed fields.
create table bulk_changed_customers (
  job_id uuid not null references bulk_changes (id),
  subject uuid not null,
  version integer not null,
  previous jsonb not null,
  undone text,
  primary key (job_id, subject)
);
