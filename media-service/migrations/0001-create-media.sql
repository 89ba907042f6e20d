create table media (
  id uuid primary key,
  mime_type text not null,
  bytes integer not null check (bytes > 0),
  width integer not null check (width > 0),
  height integer not null check (height > 0),
  sha256 text not null,
  variants jsonb not null default '{}',
  created_at timestamptz(3) not null,
  created_by text not null,
  created_by_name text not null,
  version integer not null default 1,
  -- A row outlives its objects for a while, so that late references to it can be told that it is gone.
  deleted_at timestamptz(3),
  cleared_at timestamptz(3)
);

create index media_unswept on media (created_at) where deleted_at is null;
create index media_uncleared on media (deleted_at) where deleted_at is not null and cleared_at is null;
create index media_tombstones on media (cleared_at) where cleared_at is not null;

-- Which media a subject (a customer) shows, by its newest event; null for one that shows none any more.
create table media_usages (
  subject text primary key,
  media_id uuid,
  version integer not null
);

create index media_usages_media on media_usages (media_id) where media_id is not null;
