import { createLists, type Operation } from '../operation.ts'
import { customerId, ordinaryCustomers, popularIds, productId, seasonalIds } from './orders-seed.ts'

const other = 1.3
const search = 3

const products = createLists('/v1/products')
const orders = createLists('/v1/orders', 'placedAt')

/** At a hundred thousand products against ten thousand. */
export const productOperations: Operation[] = [
  products.queries('products: list page', other, 'limit=50'),
  products.deepPage('products: list page by a deep cursor', other),
  products.queries('products: list sorted by price', other, 'sort=price'),
  products.queries('products: a wide range of prices', other, 'max_price=50', 'max_price=70'),
  products.queries('products: a range of prices of one in fifty', other, 'price[gte]=5&price[lte]=7'),
  products.queries('products: prices up to one in twenty', other, 'max_price=5.3', 'max_price=5.1'),
  products.queries('products: search for a common word', search, 'q=white', 'keyword=white'),
  products.fresh('products: search for a common word', search, 'q=white'),
  products.queries('products: search for a word of one in twenty', search, 'q=yellow', 'q=brown'),
  products.queries('products: search for a rare word', search, 'q=sku-000777', 'q=yellow%20mug%2042'),
  products.queries('products: search without a match', search, 'q=xyzzyq', 'q=zq'),
  products.queries('products: search with a price', search, 'max_price=5.3&keyword=yellow', 'limit=5&offset=5&q=white'),
]

/** At a million orders against ten thousand: "a hundred" are that many at both sizes, "one in fifty" grow with all. */
export const orderOperations: Operation[] = [
  orders.queries('orders: list page', other, 'limit=50'),
  orders.deepPage('orders: list page by a deep cursor', other),
  orders.queries('orders: list sorted by total', other, 'sort=-total'),
  orders.queries('orders: by status', other, 'status=placed', 'status=cancelled'),
  orders.fresh('orders: by status', other, 'status=placed', 'status=cancelled'),
  orders.queries(
    'orders: of a customer with a hundred',
    other,
    ...ordinaryCustomers.map((number) => `customerId=${customerId(number)}`),
  ),
  orders.queries(
    'orders: of a customer with one in fifty',
    other,
    ...popularIds.map((number) => `customerId=${customerId(number)}`),
  ),
  orders.queries(
    'orders: with a product that is in a hundred',
    other,
    ...seasonalIds.map((number) => `productId=${productId(number)}`),
  ),
  orders.queries(
    'orders: with a product that is in one of fifty',
    other,
    ...popularIds.map((number) => `productId=${productId(number)}`),
  ),
  orders.fresh(
    'orders: with a product that is in one of fifty',
    other,
    ...popularIds.map((number) => `productId=${productId(number)}`),
  ),
]
