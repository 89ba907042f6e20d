import type { Event } from '../journal.ts'
import type { Ledger } from '../ledger.ts'
import { distinctEvents } from './events.ts'
import type { Query } from './query.ts'

const most = 20

/** Every acknowledged order is there in its state, no other is, and stock is what was delivered less what was sold. */
export const orderFaults = async (query: Query, { orders, products, lostOrders }: Ledger): Promise<string[]> => {
  const faults: string[] = []
  const rows = await query<{ id: string; status: string }>('order-service', 'select id, status from orders', [])
  const statusOf = new Map(rows.map(({ id, status }) => [id, status]))
  for (const { id, state, known } of orders)
    if (known && statusOf.get(id) !== state) faults.push(`order ${id} is ${statusOf.get(id)} instead of ${state}`)
  const surplus = rows.length - orders.length
  if (surplus < 0 || surplus > lostOrders()) faults.push(`${surplus} orders more than were acknowledged`)

  const sold = new Map<string, number>()
  for (const { lines, state } of orders)
    if (state !== 'cancelled')
      for (const { productId, quantity } of lines) sold.set(productId, (sold.get(productId) ?? 0) + quantity)
  const unsure = orders.some(({ known }) => !known) || lostOrders() > 0
  const stocks = await query<{ id: string; stock: number; sum: number }>(
    'order-service',
    `select p.id, p.stock::int as stock, sum(m.delta)::int as sum
     from products p join stock_movements m on m.product_id = p.id group by p.id`,
    [],
  )
  const stockOf = new Map(stocks.map((row) => [row.id, row]))
  for (const { id, delivered, known } of products) {
    const row = stockOf.get(id)
    if (!row) faults.push(`product ${id} is lost`)
    else if (row.stock !== row.sum) faults.push(`product ${id} has ${row.stock}, its movements say ${row.sum}`)
    else if (known && !unsure && row.stock !== delivered - (sold.get(id) ?? 0))
      faults.push(`product ${id} has ${row.stock} instead of ${delivered - (sold.get(id) ?? 0)}`)
  }
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
