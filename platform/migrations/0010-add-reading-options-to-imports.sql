-- How the charset was found, whose export it looks like, how the values are read, and what to look at before the commit.
alter table imports
  add column encoding_by text not null default 'guess',
  add column preset text,
  add column country text,
  add column decimal text not null default 'point',
  add column tags text not null default 'replace',
  add column warnings jsonb not null default '[]';
update imports set encoding_by = 'valid' where encoding like 'utf-%';

drop view import_overview;
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
