-- What is known of customers, by the events of customer-service. A row stays: who was purged never comes back.
create table customers (
  id uuid primary key,
  state text not null check (state in ('active', 'trash', 'purged')),
  version integer not null
);
-- Purged ones whose orders have still to let go of them.
create table customers_to_forget (
  customer_id uuid primary key references customers (id)
);

create sequence order_numbers;

-- The id is a UUIDv7 and placed_at the time in it, so the primary key gives orders by time: every index that ends in the id
-- does as well, that of the lines included.
create table orders (
  id uuid primary key,
  -- Shown as ORD-000123, kept as a number: 1000000 comes after 999999.
  number bigint not null constraint orders_number unique,
  customer_id uuid,
  status text not null check (status in ('placed', 'fulfilled', 'cancelled')),
  -- 200 lines of a million pieces at up to twelve digits.
  total numeric(28, 4) not null check (total >= 0),
  currency text not null,
  note text,
  -- json, not jsonb: an answer, and with it the ETag, is the same before and after storing.
  metadata json not null,
  placed_at timestamptz(3) not null,
  fulfilled_at timestamptz(3),
  cancelled_at timestamptz(3),
  created_by text not null,
  created_by_name text not null,
  updated_at timestamptz(3) not null,
  updated_by text not null,
  updated_by_name text not null,
  version integer not null default 1
);

create table order_lines (
  order_id uuid not null references orders (id),
  position smallint not null,
  id uuid not null,
  product_id uuid references products (id),
  description text not null,
  quantity integer not null check (quantity > 0),
  unit_price numeric(16, 4) not null,
  line_total numeric(28, 4) not null,
  primary key (order_id, position)
);
-- The orders of a product by time; what an ordered product's purge fails on.
create index order_lines_of_product on order_lines (product_id, order_id) where product_id is not null;

-- One index a sort; both directions read it. For placed_at the primary key serves, for numbers their constraint.
create index orders_by_updated_at on orders (updated_at, id);
create index orders_by_total on orders (total, id);
-- Filters that come with the default sort.
create index orders_of_customer on orders (customer_id, id) where customer_id is not null;
create index orders_by_created_by on orders (created_by, id);
create index orders_by_status on orders (status, id);
create index orders_by_currency on orders (currency, id);
-- The summary reads nothing but this.
create index orders_counted on orders (placed_at) include (currency, total) where status <> 'cancelled';
