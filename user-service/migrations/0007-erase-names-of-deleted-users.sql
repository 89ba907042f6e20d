-- Deleted users keep their id only.
update users set display_name = 'deleted user' where deleted_at is not null;
