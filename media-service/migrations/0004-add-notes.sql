-- What was changed in an uploaded image beside its encoding: codes of the contract's `mediaNotes`.
alter table media add column notes jsonb not null default '[]';
