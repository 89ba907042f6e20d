-- outside a transaction
-- The images that a user has uploaded and nothing shows yet are counted at each upload.
create index concurrently if not exists media_of_creator on media (created_by, created_at) include (id, bytes) where deleted_at is null;
