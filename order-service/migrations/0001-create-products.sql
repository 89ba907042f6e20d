create table products (
  id uuid primary key,
  sku text,
  name text not null,
  description text,
  price numeric(16, 4) not null check (price >= 0),
  currency text not null,
  -- The sum of the product's movements.
  stock bigint not null default 0 constraint products_stock check (stock >= 0),
  low_stock_at bigint,
  active boolean not null,
  photo_media_id uuid,
  search_text text not null,
  created_at timestamptz(3) not null,
  created_by text not null,
  created_by_name text not null,
  updated_at timestamptz(3) not null,
  updated_by text not null,
  updated_by_name text not null,
  archived_at timestamptz(3),
  version integer not null default 1
);

-- Unique among those not archived: what is in the trash blocks nobody.
create unique index products_sku_active on products (sku) where archived_at is null;

-- One index a sort; both directions read it.
create index products_by_created_at on products (created_at, id) where archived_at is null;
create index products_by_updated_at on products (updated_at, id) where archived_at is null;
create index products_by_name on products (name, id) where archived_at is null;
create index products_by_price on products (price, id) where archived_at is null;
create index products_by_stock on products (stock, id) where archived_at is null;
create index products_by_sku on products (sku, id) where archived_at is null;

-- Filters that come with the default sort.
create index products_by_created_by on products (created_by, created_at, id) where archived_at is null;
create index products_inactive on products (created_at, id) where archived_at is null and not active;
-- q, contains and startsWith: each column of it serves alone.
create index products_by_text on products using gin (
  search_text gin_trgm_ops, name gin_trgm_ops, sku gin_trgm_ops
) where archived_at is null;

create index products_in_trash on products (created_at, id) where archived_at is not null;
create index products_by_photo on products (photo_media_id) where photo_media_id is not null;

-- The ledger. A movement raises the product's version, so that version orders the movements of one product.
create table stock_movements (
  id uuid primary key,
  product_id uuid not null references products (id) on delete cascade,
  delta bigint not null check (delta <> 0),
  stock_after bigint not null check (stock_after >= 0),
  kind text not null check (kind in ('initial', 'manual', 'order', 'cancellation')),
  reason text not null,
  order_id uuid,
  product_version integer not null,
  created_at timestamptz(3) not null,
  created_by text not null,
  created_by_name text not null
);
create index stock_movements_of_product on stock_movements (product_id, product_version, id);
