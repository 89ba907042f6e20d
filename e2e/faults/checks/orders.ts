import type { Event } from '../event-log.ts'
import type { Ledger } from '../ledger.ts'
import { distinctEvents } from './events.ts'
import type { Query } from './query.ts'

const maxErrors = 20

/** Compares the states of all orders with the ledger. */
const checkOrderStates = async (query: Query, { orders, uncertainOrders }: Ledger): Promise<string[]> => {
  const rows = await query<{ id: string; status: string }>('order-service', 'select id, status from orders', [])
  const statusOf = new Map(rows.map(({ id, status }) => [id, status]))
  const errors = orders
    .filter(({ id, state, certain }) => certain && statusOf.get(id) !== state)
    .map(({ id, state }) => `order ${id} is ${statusOf.get(id)} instead of ${state}`)
  const surplus = rows.length - orders.length
  if (surplus < 0 || surplus > uncertainOrders()) errors.push(`${surplus} more orders than were acknowledged`)
  return errors
}

/** The sold quantity of each product: all order lines but those of cancelled orders. */
const soldQuantities = (orders: Ledger['orders']): Map<string, number> => {
  const sold = new Map<string, number>()
  const lines = orders.filter(({ state }) => state !== 'cancelled').flatMap((order) => order.lines)
  for (const { productId, quantity } of lines) sold.set(productId, (sold.get(productId) ?? 0) + quantity)
  return sold
}

/** Checks that stock is the sum of its movements and, if every order's state is certain, deliveries minus sales. */
const checkStock = async (query: Query, { orders, products, uncertainOrders }: Ledger): Promise<string[]> => {
  const sold = soldQuantities(orders)
  const isCertain = orders.every(({ certain }) => certain) && uncertainOrders() === 0
  const stocks = await query<{ id: string; stock: number; sum: number }>(
    'order-service',
    `select p.id, p.stock::int as stock, sum(m.delta)::int as sum
     from products p join stock_movements m on m.product_id = p.id group by p.id`,
    [],
  )
  const stockOf = new Map(stocks.map((row) => [row.id, row]))
  return products.flatMap(({ id, delivered, certain }) => {
    const row = stockOf.get(id)
    if (!row) return [`product ${id} is missing`]
    if (row.stock !== row.sum) return [`product ${id} has a stock of ${row.stock}, its movements sum up to ${row.sum}`]
    const expected = delivered - (sold.get(id) ?? 0)
    if (!certain || !isCertain || row.stock === expected) return []
    return [`product ${id} has a stock of ${row.stock} instead of ${expected}`]
  })
}

/** Compares orders and stock with the ledger. @returns the differences */
export const checkOrders = async (query: Query, ledger: Ledger): Promise<string[]> => {
  const errors = [...(await checkOrderStates(query, ledger)), ...(await checkStock(query, ledger))]
  return errors.slice(0, maxErrors)
}

/** Checks that each order has its events (versions 1, 2, 3…) and, if it names a customer, exactly one sent notification. */
export const checkOrderEffects = async (events: readonly Event[], query: Query): Promise<string[]> => {
  const errors: string[] = []
  const own = distinctEvents(events).filter(({ type }) => /^order\.(?!declined)/.test(type))
  for (const [subject, orderEvents] of Map.groupBy(own, ({ subject }) => subject)) {
    const versions = orderEvents.map(({ data }) => data.version)
    if (versions.some((version, index) => version !== index + 1))
      errors.push(`events of order ${subject} are not 1, 2, 3…: ${versions.join(', ')}`)
  }
  const rows = await query<{ order: string; status: string; count: number }>(
    'notification-service',
    'select order_id as order, min(status) as status, count(*)::int as count from notifications group by order_id',
    [],
  )
  const ofOrder = new Map(rows.map((row) => [row.order, row]))
  for (const { subject, data } of own.filter(({ type }) => type === 'order.placed.v1')) {
    const { count = 0, status } = ofOrder.get(subject) ?? {}
    const expected = data.customerId === null ? 0 : 1
    if (count !== expected || status === 'queued') errors.push(`order ${subject} has ${count} notifications, ${status}`)
  }
  return errors.slice(0, maxErrors)
}
