import { OrderSummary } from '@clientele/contracts/order'
import { explain } from '@clientele/platform/testing/database'
import { intervalsBetween } from '../src/summary/interval.ts'
import { orderCalls, textLine } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startOrders()
})
afterAll(() => service?.stop())

const { placed } = orderCalls(() => service)
const at = async (time: string, unitPrice: string, fields: Record<string, unknown> = {}) => {
  const order = await placed([{ description: 'a', unitPrice }], fields)
  await service.db.query('update orders set placed_at = $2 where id = $1', [order.id, time])
  return order
}
const summary = (query: string) => service.user.get(`/v1/orders/summary?${query}`)

describe('GET /v1/orders/summary', () => {
  beforeAll(async () => {
    // Friday, Sunday, Monday, and the next month.
    await at('2026-03-27T10:15:00Z', '10.10')
    await at('2026-03-27T10:45:00Z', '0.20')
    await at('2026-03-27T23:59:59.999Z', '7')
    await at('2026-03-29T01:30:00Z', '5', { currency: 'KES' })
    await at('2026-03-30T00:00:00Z', '3')
    await at('2026-04-01T00:00:00Z', '2')
    const { id } = await at('2026-03-27T12:00:00Z', '1000')
    await service.user.post(`/v1/orders/${id}/cancel`)
  })

  const rows = async (query: string) => {
    const { status, body } = await summary(query)
    if (status !== 200) throw new Error(JSON.stringify(body))
    return OrderSummary.parse(body).data.map(({ start, currency, orders, revenue }) =>
      [start.slice(0, 13), currency, orders, revenue].join(' '),
    )
  }

  it('groups by UTC hours, days, weeks from Monday and months, and by currency, without what was cancelled', async () => {
    const march = 'from=2026-03-01&to=2026-04-02'
    expect(await rows(`from=2026-03-27&to=2026-03-28&interval=hour`)).toEqual([
      '2026-03-27T10 EUR 2 10.30',
      '2026-03-27T23 EUR 1 7.00',
    ])
    expect(await rows(march)).toEqual([
      '2026-03-27T00 EUR 3 17.30',
      '2026-03-29T00 KES 1 5.00',
      '2026-03-30T00 EUR 1 3.00',
      '2026-04-01T00 EUR 1 2.00',
    ])
    expect(await rows(`${march}&interval=week`)).toEqual([
      '2026-03-23T00 EUR 3 17.30',
      '2026-03-23T00 KES 1 5.00',
      '2026-03-30T00 EUR 2 5.00',
    ])
    expect(await rows(`${march}&interval=month`)).toEqual([
      '2026-03-01T00 EUR 4 20.30',
      '2026-03-01T00 KES 1 5.00',
      '2026-04-01T00 EUR 1 2.00',
    ])
  })

  it('takes `from` in and leaves `to` out, in any zone', async () => {
    expect(await rows('from=2026-03-27T10:45:00Z&to=2026-03-30T00:00:00Z')).toEqual([
      '2026-03-27T00 EUR 2 7.20',
      '2026-03-29T00 KES 1 5.00',
    ])
    expect(await rows('from=2026-03-30T03:00:00%2B03:00&to=2026-03-30T12:00:00%2B03:00')).toEqual([
      '2026-03-30T00 EUR 1 3.00',
    ])
  })

  it('is of the last 30 days by day where nothing is asked', async () => {
    await placed([textLine])
    const { body } = await summary('')
    expect(body.interval).toBe('day')
    expect(Date.parse(body.to) - Date.parse(body.from)).toBe(30 * 24 * 3_600_000)
    expect(body.data).toEqual([
      {
        start: `${new Date().toISOString().slice(0, 10)}T00:00:00.000Z`,
        currency: 'EUR',
        orders: 1,
        revenue: '56000.68',
      },
    ])
  })

  it('has 400 intervals at most', async () => {
    expect((await summary('from=2025-01-01&to=2026-02-05')).status).toBe(200)
    const { status, body } = await summary('from=2025-01-01&to=2026-02-06')
    expect([status, body.code, body.errors[0].parameter]).toEqual([400, 'invalid_parameter', 'interval'])
    expect(body.detail).toMatch(/401.*400.*longer/)
    expect((await summary('from=1900-01-01&to=2026-02-06&interval=month')).status).toBe(400)
  })

  it.each([
    'from=yesterday',
    'to=2026-02-30',
    'interval=year',
    'from=2026-03-02&to=2026-03-02',
    'color=red',
    'from=',
    'from=0000-01-01&to=0000-01-02',
    'to=9999-12-31T23:00:00-05:00',
  ])('%s answers 400 naming it', async (query) => {
    const { status, body } = await summary(query)
    expect([status, body.errors[0].parameter]).toEqual([400, query.split('=')[0]])
  })

  it('reads nothing but its index', async () => {
    await service.db.query(
      `insert into orders (id, number, status, total, currency, metadata, placed_at, created_by, created_by_name,
         updated_at, updated_by, updated_by_name)
       select gen_random_uuid(), nextval('order_numbers'), 'fulfilled', 1, 'EUR', '{}', '2020-01-01'::timestamptz + n * interval '1 hour',
         'x', 'x', now(), 'x', 'x' from generate_series(1, 20000) as n`,
    )
    await service.db.query('analyze orders')
    const plan = await explain(
      service.db,
      `select date_trunc('day', placed_at, 'UTC') as start, currency, count(*), sum(total) from orders
       where placed_at >= '2021-01-01' and placed_at < '2021-02-01' and status <> 'cancelled' group by 1, 2`,
    )
    expect(plan.join('\n')).toMatch(/orders_counted/)
  })
})

describe('intervalsBetween', () => {
  const between = (from: string, to: string, interval: Parameters<typeof intervalsBetween>[2]) =>
    intervalsBetween(new Date(from), new Date(to), interval)
  it('counts what a time touches', () => {
    expect(between('2026-03-29T23:59:59Z', '2026-03-30T00:00:00Z', 'week')).toBe(1)
    expect(between('2026-03-29T23:59:59Z', '2026-03-30T00:00:01Z', 'week')).toBe(2)
    expect(between('2026-01-31', '2026-03-01', 'month')).toBe(2)
    expect(between('1969-12-31T23:00:00Z', '1970-01-01T01:00:00Z', 'day')).toBe(2)
  })
})
