-- The version of a thing before an import changed it and the one that the undo gave it: as long as that is its version, it is again
-- what it was before. `base` is null if the import made the thing, or others changed it in between.
alter table import_changes
  add column base integer,
  add column undone_version integer;
create index import_changes_restored on import_changes (subject, base) where undone = 'restored';
