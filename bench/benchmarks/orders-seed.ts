import { seed } from '../seed.ts'

const colours = 'White,Black,Blue,Red,Green,Grey,Yellow,Brown,Pink,Violet,Orange,Teal'
const goods = 'Mug,Lamp,Chair,Notebook,Cable,Bottle,Blanket,Basket,Candle,Clock,Mirror,Shelf,Teapot,Towel,Vase,Wallet'
const firstNumber = 100_000_000_000
/** The number of users that the rows name as their creators. */
const authors = 20
/** The number of popular products, and of popular customers. Each is in one of fifty orders at any size. */
const popular = 5
/** Seasonal products: each was sold for a while, in 500 consecutive orders of which 100 name it. */
const seasonal = { first: 10, orders: 500 }
/** The number of orders of every other customer. */
const perCustomer = 100

/** The share of products that can be ordered. The rest is not active or in the trash. */
export const onSale = 0.97
const kept = 0.98
/** The beginning of a product id. Twelve digits with its number follow. */
export const productPrefix = '01900000-0000-7000-8000-'
/** The id of the product with that number, from 1. */
export const productId = (number: number): string => `${productPrefix}${firstNumber + number}`
export const customerId = (number: number): string => `01900000-0000-7000-9000-${firstNumber + number}`
export const popularIds = Array.from({ length: popular }, (_, index) => index + 1)
/** Numbers of seasonal products that exist at any size. */
export const seasonalIds = Array.from({ length: 10 }, (_, index) => seasonal.first + index + 1)
/** Numbers of customers with about 100 orders that exist at any size. */
export const ordinaryCustomers = Array.from({ length: 50 }, (_, index) => popular + index + 1)
export { firstNumber as productsFrom }

// A pseudo-random number in [0, 1) that depends on the row only.
const pseudoRandom = (salt: number, n = 'n') => `((hashint8extended(${n}, ${salt}) & 2147483647) / 2147483648.0)`
// Squaring makes the first colours frequent.
const colour = `(string_to_array('${colours}', ','))[1 + floor(power(${pseudoRandom(1, 'k')}, 2) * 12)::int]`
const good = `(string_to_array('${goods}', ','))[1 + floor(${pseudoRandom(2, 'k')} * 16)::int]`
const name = `${colour} || ' ' || ${good} || ' ' || k`
const price = '(50 + k * 37 % 10000) / 100.0'
const idOf = (prefix: string, number: string) => `('${prefix}' || ${firstNumber} + ${number})::uuid`
const product = (number: string) => idOf(productPrefix, number)
const customer = (number: string) => idOf('01900000-0000-7000-9000-', number)
const sixDigits = (n: string) => `lpad(${n}::text, greatest(6, length(${n}::text)), '0')`
const customerCode = `'CUS-' || ${sixDigits('c')}`
const customerName = `'Customer ' || c`
/** A UUIDv7 of the row's time. `letter` makes ids of different tables differ. */
const uuid7 = (letter: string) =>
  `(lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7' || substr(md5('${letter}' || n), 1, 3) || '8' || substr(md5('${letter}' || n), 4, 15))::uuid`

const products = (count: number) => `
insert into products (id, sku, name, description, price, currency, stock, low_stock_at, active, search_text,
  created_at, created_by, created_by_name, updated_at, updated_by, updated_by_name, archived_at)
select ${product('k')}, sku, name, 'A ' || lower(name) || ' for every day', ${price}, 'EUR', 1000000, null, k <= ${Math.floor(count * onSale)},
  lower(name || ' ' || sku), at, author, 'Person ' || author, at, author, 'Person ' || author,
  case when k > ${Math.floor(count * kept)} then at end
from generate_series(1, ${count}::bigint) as k, lateral (
  select timestamptz '2024-01-01Z' + k * interval '60 seconds' as at, ${name} as name,
    'SKU-' || lpad(k::text, 6, '0') as sku, 'author-' || k % ${authors} as author) named`

const movements = `
insert into stock_movements (id, product_id, delta, stock_after, kind, reason, product_version,
  created_at, created_by, created_by_name)
select ${uuid7('m')}, id, stock, stock, 'initial', 'initial stock', version, at, created_by, created_by_name
from (select *, sku as n, created_at as at from products) made`

// Orders have two lines. The first names any product, the second sometimes a popular or a seasonal one.
const drawn = (orders: number, count: number) => `
select *, ${customer('c')} as customer_id, ${uuid7('o')} as id, array[first, second] as numbers, array[1 + n % 3, 1 + n % 2] as amounts
from (
  select n, timestamptz '2024-01-01Z' + n * interval '60 seconds' as at, 'author-' || n % ${authors} as author,
    case when n % 50 < ${popular} then 1 + n % 50
      else 1 + ${popular} + floor(${pseudoRandom(3)} * greatest(${orders / perCustomer}, 1))::bigint end as c,
    1 + floor(${pseudoRandom(4)} * ${Math.floor(count * onSale)})::bigint as first,
    case when n % 50 >= 45 then n % 50 - 44
      when n % 50 between 20 and 29 then ${seasonal.first} + 1 + n / ${seasonal.orders}
      else 1 + floor(${pseudoRandom(5)} * ${Math.floor(count * onSale)})::bigint end as second,
    case n % 10 when 0 then 'cancelled' when 3 then 'placed' when 6 then 'placed' else 'fulfilled' end as status
  from generate_series(1, ${orders}::bigint) as n
) drawn`

const orders = (source: string) => `
insert into orders (id, number, customer_id, status, total, currency, note, metadata, placed_at, fulfilled_at, cancelled_at,
  created_by, created_by_name, updated_at, updated_by, updated_by_name, version, search_text)
select id, n, customer_id, status,
  (select sum(${price} * amount) from unnest(numbers, amounts) as line (k, amount)), 'EUR',
  case when n % 4 = 0 then 'leave order ' || n || ' at the door' end, '{"source":"shop"}', at,
  case status when 'fulfilled' then changed end, case status when 'cancelled' then changed end,
  author, 'Person ' || author, changed, author, 'Person ' || author, case status when 'placed' then 1 else 2 end,
  lower('ORD-' || ${sixDigits('n')} || ' ' || ${customerCode} || ' ' || ${customerName} || ' ' ||
    (select string_agg(${name}, ' ') from unnest(numbers) as line (k)))
from (select *, case status when 'placed' then at else at + ${pseudoRandom(6)} * interval '2 days' end as changed
  from (${source}) ordered) changed`

const lines = (source: string) => `
insert into order_lines (order_id, position, id, product_id, description, quantity, unit_price, line_total)
select ordered.id, position, ${uuid7("' || position || '")}, ${product('k')}, ${name}, amount, ${price}, ${price} * amount
from (${source}) ordered, unnest(numbers, amounts) with ordinality as line (k, amount, position)`

const customers = (orders: number) => `
insert into customers (id, state, version, code, display_name)
select ${customer('c')}, 'active', 1, ${customerCode}, ${customerName} from generate_series(1, ${popular} + greatest(${orders / perCustomer}, 1)) as c`

/**
 * Fills order-service's database at `url`, always with the same rows: products with a stock of 1,000,000 and its first movement,
 * and orders of two lines, placed a minute apart, with their customers.
 */
export const seedOrders = (url: string, size: { products: number; orders: number }): Promise<void> => {
  const source = drawn(size.orders, size.products)
  return seed(url, {
    schema: 'orders',
    tables: ['products', 'stock_movements', 'customers', 'orders', 'order_lines'],
    steps: [
      [products(size.products)],
      [
        orders(source),
        lines(source),
        movements,
        customers(size.orders),
        `select setval('order_numbers', ${size.orders})`,
      ],
    ],
  })
}
