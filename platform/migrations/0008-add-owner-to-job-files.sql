-- Whose quota a file counts for. Null for a file of the previous release that no job refers to.
alter table job_files add column owner_id text;
update job_files set owner_id = jobs.owner_id from jobs where job_files.id in (jobs.result_file, jobs.errors_file);
update job_files set owner_id = imports.created_by from imports where job_files.id = imports.file_id;
create index job_files_of_owner on job_files (owner_id) include (bytes);
