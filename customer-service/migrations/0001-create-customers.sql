create sequence customer_codes;

create function next_customer_code() returns text language sql volatile as $$
  select 'CUS-' || lpad(n::text, greatest(6, length(n::text)), '0') from nextval('customer_codes') as n
$$;

create table customers (
  id uuid primary key,
  code text not null constraint customers_code unique,
  -- Sorting by code follows the number: CUS-1000000 comes after CUS-999999.
  code_number bigint not null generated always as (substr(code, 5)::bigint) stored,
  external_id text,
  name text,
  surname text,
  email text,
  phone text,
  photo_media_id uuid,
  tags text[] not null default '{}',
  user_id text constraint customers_user_id unique,
  address jsonb,
  locale text,
  sms_opt_out boolean not null default false,
  metadata jsonb not null default '{}',
  search_text text not null,
  created_at timestamptz(3) not null,
  created_by text not null,
  created_by_name text not null,
  updated_at timestamptz(3) not null,
  updated_by text not null,
  updated_by_name text not null,
  deleted_at timestamptz(3),
  version integer not null default 1
);

-- Unique among the active: what is in the trash blocks nobody.
create unique index customers_email_active on customers (email) where deleted_at is null;
create unique index customers_external_id_active on customers (external_id) where deleted_at is null;

-- One index a sort; both directions read it.
create index customers_by_created_at on customers (created_at, id) where deleted_at is null;
create index customers_by_updated_at on customers (updated_at, id) where deleted_at is null;
create index customers_by_surname on customers (surname, id) where deleted_at is null;
create index customers_by_name on customers (name, id) where deleted_at is null;
create index customers_by_code on customers (code_number, id) where deleted_at is null;

-- Filters that come with the default sort: the newest of an author, of an editor, with and without a photo.
create index customers_by_created_by on customers (created_by, created_at, id) where deleted_at is null;
create index customers_by_updated_by on customers (updated_by, created_at, id) where deleted_at is null;
create index customers_with_photo on customers (created_at, id) where deleted_at is null and photo_media_id is not null;
create index customers_without_photo on customers (created_at, id) where deleted_at is null and photo_media_id is null;
create index customers_by_phone on customers (phone) where deleted_at is null;
create index customers_by_tag on customers using gin (tags) where deleted_at is null;
-- q, contains and startsWith: each column of it serves alone.
create index customers_by_text on customers using gin (
  search_text gin_trgm_ops, name gin_trgm_ops, surname gin_trgm_ops, email gin_trgm_ops, phone gin_trgm_ops,
  code gin_trgm_ops, external_id gin_trgm_ops
) where deleted_at is null;

create index customers_in_trash on customers (created_at, id) where deleted_at is not null;
create index customers_by_photo on customers (photo_media_id) where photo_media_id is not null;

-- Everybody who ever created or changed a customer.
create table customer_editors (
  customer_id uuid not null references customers (id) on delete cascade,
  user_id text not null,
  user_name text not null,
  first_at timestamptz(3) not null,
  last_at timestamptz(3) not null,
  edits integer not null default 1,
  primary key (customer_id, user_id)
);
create index customer_editors_by_user on customer_editors (user_id, customer_id);

-- Display names as user-service last told; they outlive the user.
create table user_names (
  id text primary key,
  display_name text not null,
  version integer not null,
  deleted boolean not null default false
);
