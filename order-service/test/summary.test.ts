import { OrderSummary } from '@clientele/contracts/order'
import { asOwner, explain } from '@clientele/platform/testing/database'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { intervalsBetween } from '../src/summary/interval.ts'
import { orderCalls, textLine } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startOrders()
})
afterAll(() => service?.stop())

const { createOrder } = orderCalls(() => service)
const at = async (time: string, unitPrice: string, fields: Record<string, unknown> = {}) => {
  const order = await createOrder([{ description: 'a', unitPrice }], fields)
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

  const allRows = async (query: string) => {
    const { status, body } = await summary(query)
    if (status !== 200) throw new Error(JSON.stringify(body))
    return OrderSummary.parse(body).data.map(({ start, currency, orders, revenue }) =>
      [start.slice(0, 13), currency, orders, revenue].join(' '),
    )
  }
  /** The rows of intervals with orders. */
  const rows = async (query: string) => (await allRows(query)).filter((row) => !/ 0 0\.00$/.test(row))

  it('the summary groups by UTC hours, days, weeks from Monday or months, and by currency, without cancelled orders', async () => {
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

  it('`from` is inclusive and `to` exclusive, in any time zone', async () => {
    expect(await rows('from=2026-03-27T10:45:00Z&to=2026-03-30T00:00:00Z')).toEqual([
      '2026-03-27T00 EUR 2 7.20',
      '2026-03-29T00 KES 1 5.00',
    ])
    expect(await rows('from=2026-03-30T03:00:00%2B03:00&to=2026-03-30T12:00:00%2B03:00')).toEqual([
      '2026-03-30T00 EUR 1 3.00',
    ])
  })

  it('intervals without orders have zeros, for each currency of the range or for that of the shop', async () => {
    expect(await allRows('from=2026-03-29&to=2026-04-01')).toEqual([
      '2026-03-29T00 EUR 0 0.00',
      '2026-03-29T00 KES 1 5.00',
      '2026-03-30T00 EUR 1 3.00',
      '2026-03-30T00 KES 0 0.00',
      '2026-03-31T00 EUR 0 0.00',
      '2026-03-31T00 KES 0 0.00',
    ])
    expect(await allRows('from=2020-12-30T12:00:00Z&to=2021-01-11T00:00:00.001Z&interval=week')).toEqual([
      '2020-12-28T00 EUR 0 0.00',
      '2021-01-04T00 EUR 0 0.00',
      '2021-01-11T00 EUR 0 0.00',
    ])
    for (const [interval, count] of [
      ['hour', 48],
      ['month', 1],
    ])
      expect(await allRows(`from=2020-02-01&to=2020-02-03&interval=${interval}`)).toHaveLength(Number(count))
  })

  it('`timeZone` decides when days, weeks and months begin, also in `from` and `to`', async () => {
    const nairobi = 'timeZone=Africa/Nairobi'
    expect(await rows(`from=2026-03-27&to=2026-04-02&${nairobi}`)).toEqual([
      '2026-03-26T21 EUR 2 10.30',
      '2026-03-27T21 EUR 1 7.00',
      '2026-03-28T21 KES 1 5.00',
      '2026-03-29T21 EUR 1 3.00',
      '2026-03-31T21 EUR 1 2.00',
    ])
    expect(await rows(`from=2026-03-27&to=2026-04-02&interval=month&${nairobi}`)).toEqual([
      '2026-02-28T21 EUR 4 20.30',
      '2026-02-28T21 KES 1 5.00',
      '2026-03-31T21 EUR 1 2.00',
    ])
    // Clocks go forward on the second day and back on the last.
    const { body } = await summary('from=2026-03-07&to=2026-03-10&timeZone=America/New_York')
    expect(body.timeZone).toBe('America/New_York')
    expect(body.data.map(({ start }: { start: string }) => start.slice(0, 13))).toEqual([
      '2026-03-07T05',
      '2026-03-08T05',
      '2026-03-09T04',
    ])
    expect(await allRows('from=2025-11-02&to=2025-11-03&timeZone=America/New_York&interval=hour')).toHaveLength(25)
  })

  it('days begin in the time zone of the shop unless the request names one', async () => {
    const shop = await service.startReplica({ shopTimeZone: 'Africa/Nairobi' })
    const authorization = `Bearer ${(await signedInAs('user')).token}`
    const read = (query: string) =>
      fetch(`${shop.url}/v1/orders/summary?from=2026-03-27&to=2026-03-28${query}`, { headers: { authorization } })
    expect(await (await read('')).json()).toMatchObject({
      timeZone: 'Africa/Nairobi',
      from: '2026-03-26T21:00:00.000Z',
    })
    expect(await (await read('&timeZone=UTC')).json()).toMatchObject({ from: '2026-03-27T00:00:00.000Z' })
    await shop.stop()
  })

  it('the default is the last 30 days by day', async () => {
    await createOrder([textLine])
    const { body } = await summary('')
    expect(body.interval).toBe('day')
    expect(Date.parse(body.to) - Date.parse(body.from)).toBe(30 * 24 * 3_600_000)
    expect(body).toMatchObject({ timeZone: 'UTC', interval: 'day' })
    expect(body.data).toHaveLength(31)
    expect(body.data.filter(({ orders }: { orders: number }) => orders > 0)).toEqual([
      {
        start: `${new Date().toISOString().slice(0, 10)}T00:00:00.000Z`,
        currency: 'EUR',
        orders: 1,
        revenue: '56000.68',
      },
    ])
  })

  it('a range with more than 400 intervals returns 400', async () => {
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
    'timeZone=Nairobi',
    'timeZone=%2B03:00',
    'timeZone=',
    'color=red',
    'from=',
    'from=0000-01-01&to=0000-01-02',
    'to=9999-12-31T23:00:00-05:00',
    'from=0001-01-01&to=0001-01-05&timeZone=Africa/Nairobi',
  ])('the query %s returns 400 that names the parameter', async (query) => {
    const { status, body } = await summary(query)
    expect([status, body.errors[0].parameter]).toEqual([400, query.split('=')[0]])
  })

  it('the summary is read from its index alone', async () => {
    await service.db.query(
      `insert into orders (id, number, status, total, currency, metadata, placed_at, created_by, created_by_name,
         updated_at, updated_by, updated_by_name)
       select gen_random_uuid(), nextval('order_numbers'), 'fulfilled', 1, 'EUR', '{}', '2020-01-01'::timestamptz + n * interval '1 hour',
         'x', 'x', now(), 'x', 'x' from generate_series(1, 20000) as n`,
    )
    await asOwner(service.database, 'analyze orders')
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
    intervalsBetween(new Date(from), new Date(to), interval, 'UTC')
  it('intervalsBetween counts the intervals that a range overlaps', () => {
    expect(between('2026-03-29T23:59:59Z', '2026-03-30T00:00:00Z', 'week')).toBe(1)
    expect(between('2026-03-29T23:59:59Z', '2026-03-30T00:00:01Z', 'week')).toBe(2)
    expect(between('2026-01-31', '2026-03-01', 'month')).toBe(2)
    expect(between('1969-12-31T23:00:00Z', '1970-01-01T01:00:00Z', 'day')).toBe(2)
    const [from, to] = [new Date('2026-03-28T20:00:00Z'), new Date('2026-03-28T22:00:00Z')]
    expect(intervalsBetween(from, to, 'day', 'Africa/Nairobi')).toBe(2)
  })
})
