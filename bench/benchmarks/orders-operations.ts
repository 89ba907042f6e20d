import { createListOperations, type Operation } from '../operation.ts'
import { customerId, ordinaryCustomers, popularIds, productId, seasonalIds } from './orders-seed.ts'

const maxRatio = 1.3
const maxSearchRatio = 3

const products = createListOperations('/v1/products')
const orders = createListOperations('/v1/orders', 'placedAt')

/** Measured with 100,000 products, relative to 10,000. */
export const productOperations: Operation[] = [
  products.queries('products: list page', maxRatio, 'limit=50'),
  products.deepPage('products: list page by a deep cursor', maxRatio),
  products.queries('products: list sorted by price', maxRatio, 'sort=price'),
  products.queries('products: list filtered by a wide price range', maxRatio, 'max_price=50', 'max_price=70'),
  products.queries('products: list filtered by a price range of 2 %', maxRatio, 'price[gte]=5&price[lte]=7'),
  products.queries('products: list filtered by a maximum price of 5 %', maxRatio, 'max_price=5.3', 'max_price=5.1'),
  products.queries('products: search for a common word', maxSearchRatio, 'q=white', 'keyword=white'),
  products.uncached('products: search for a common word', maxSearchRatio, 'q=white'),
  products.queries('products: search for a word in 5 %', maxSearchRatio, 'q=yellow', 'q=brown'),
  products.queries('products: search for a rare word', maxSearchRatio, 'q=sku-000777', 'q=yellow%20mug%2042'),
  products.queries('products: search without a match', maxSearchRatio, 'q=xyzzyq', 'q=zq'),
  products.queries(
    'products: search with a maximum price',
    maxSearchRatio,
    'max_price=5.3&keyword=yellow',
    'limit=5&offset=5&q=white',
  ),
]

/** Measured with 1,000,000 orders, relative to 10,000. "100 orders" are as many at both sizes; "2 %" grow with the size. */
export const orderOperations: Operation[] = [
  orders.queries('orders: list page', maxRatio, 'limit=50'),
  orders.deepPage('orders: list page by a deep cursor', maxRatio),
  orders.queries('orders: list sorted by total', maxRatio, 'sort=-total'),
  orders.queries('orders: list filtered by status', maxRatio, 'status=placed', 'status=cancelled'),
  orders.uncached('orders: list filtered by status', maxRatio, 'status=placed', 'status=cancelled'),
  orders.queries(
    'orders: list of a customer with 100 orders',
    maxRatio,
    ...ordinaryCustomers.map((number) => `customerId=${customerId(number)}`),
  ),
  orders.queries(
    'orders: list of a customer with 2 % of the orders',
    maxRatio,
    ...popularIds.map((number) => `customerId=${customerId(number)}`),
  ),
  orders.queries(
    'orders: list filtered by a product in 100 orders',
    maxRatio,
    ...seasonalIds.map((number) => `productId=${productId(number)}`),
  ),
  orders.queries(
    'orders: list filtered by a product in 2 % of the orders',
    maxRatio,
    ...popularIds.map((number) => `productId=${productId(number)}`),
  ),
  orders.uncached(
    'orders: list filtered by a product in 2 % of the orders',
    maxRatio,
    ...popularIds.map((number) => `productId=${productId(number)}`),
  ),
]
