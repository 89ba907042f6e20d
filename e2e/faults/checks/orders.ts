import type { Event } from '../journal.ts'
import type { Ledger } from '../ledger.ts'
import { distinctEvents } from './events.ts'
import type { Query } from './query.ts'

const most = 20

/** Every acknowledged order is there in its state, and no other is. */
const stateFaults = async (query: Query, { orders, lostOrders }: Ledger): Promise<string[]> => {
  const rows = await query<{ id: string; status: string }>('order-service', 'select id, status from orders', [])
  const statusOf = new Map(rows.map(({ id, status }) => [id, status]))
  const faults = orders
    .filter(({ id, state, known }) => known && statusOf.get(id) !== state)
    .map(({ id, state }) => `order ${id} is ${statusOf.get(id)} instead of ${state}`)
  const surplus = rows.length - orders.length
  if (surplus < 0 || surplus > lostOrders()) faults.push(`${surplus} orders more than were acknowledged`)
  return faults
}

/** How much of each product the orders have that are not cancelled. */
const soldQuantities = (orders: Ledger['orders']): Map<string, number> => {
  const sold = new Map<string, number>()
  const lines = orders.filter(({ state }) => state !== 'cancelled').flatMap((order) => order.lines)
  for (const { productId, quantity } of lines) sold.set(productId, (sold.get(productId) ?? 0) + quantity)
  return sold
}

/** Stock is the sum of its movements; and what was delivered less what was sold, if the state of every order is known. */
const stockFaults = async (query: Query, { orders, products, lostOrders }: Ledger): Promise<string[]> => {
  const sold = soldQuantities(orders)
  const isCertain = orders.every(({ known }) => known) && lostOrders() === 0
  const stocks = await query<{ id: string; stock: number; sum: number }>(
    'order-service',
    `select p.id, p.stock::int as stock, sum(m.delta)::int as sum
     from products p join stock_movements m on m.product_id = p.id group by p.id`,
    [],
  )
  const stockOf = new Map(stocks.map((row) => [row.id, row]))
  return products.flatMap(({ id, delivered, known }) => {
    const row = stockOf.get(id)
    if (!row) return [`product ${id} is lost`]
    if (row.stock !== row.sum) return [`product ${id} has ${row.stock}, its movements say ${row.sum}`]
    const expected = delivered - (sold.get(id) ?? 0)
    if (!known || !isCertain || row.stock === expected) return []
    return [`product ${id} has ${row.stock} instead of ${expected}`]
  })
}

/** Every acknowledged order is there in its state, no other is, and stock is what was delivered less what was sold. */
export const orderFaults = async (query: Query, ledger: Ledger): Promise<string[]> => {
  const faults = [...(await stateFaults(query, ledger)), ...(await stockFaults(query, ledger))]
  return faults.slice(0, most)
}

/** Each order has its events, 1, 2, 3…, and each placed one of a customer exactly one notification, which nobody left lying. */
export const orderEffectFaults = async (events: readonly Event[], query: Query): Promise<string[]> => {
  const faults: string[] = []
  const own = distinctEvents(events).filter(({ type }) => /^order\.(?!declined)/.test(type))
  for (const [subject, told] of Map.groupBy(own, ({ subject }) => subject)) {
    const versions = told.map(({ data }) => data.version)
    if (versions.some((version, index) => version !== index + 1))
      faults.push(`events of order ${subject} are not 1, 2, 3…: ${versions.join(', ')}`)
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
    if (count !== expected || status === 'queued') faults.push(`order ${subject} has ${count} notifications, ${status}`)
  }
  return faults.slice(0, most)
}
