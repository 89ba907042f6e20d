import { randomUUID } from 'node:crypto'
import { eventually } from '@clientele/platform/testing/wait'
import { aCustomer, type Running as RunningCustomers, startCustomers } from '../../customer-service/test/start.ts'
import { tablesWithText } from '../../features/test/find-text.ts'
import { orderCalls } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let customers: RunningCustomers
let service: Running
beforeAll(async () => {
  customers = await startCustomers()
  service = await startOrders({ customerServiceUrl: customers.url }, customers.broker)
}, 60_000)
afterAll(async () => {
  await service?.stop()
  await customers?.stop()
})

const { createOrder, createProduct } = orderCalls(() => service)
const line = (description: string) => ({ description, unitPrice: '1' })
const createCustomer = async (fields: Record<string, unknown> = {}): Promise<{ id: string; code: string }> =>
  (await customers.user.post('/v1/customers', aCustomer(fields))).body
const found = async (q: string, others = ''): Promise<string[]> => {
  const { status, body } = await service.user.get(`/v1/orders?q=${encodeURIComponent(q)}${others}`)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.data.map(({ id }: { id: string }) => id)
}

describe('GET /v1/orders?q=', () => {
  it('q finds orders by number, by the name and the code of the customer, and by descriptions of lines', async () => {
    const { id: customerId, code } = await createCustomer({ name: 'Ångström', surname: 'Quibble' })
    const product = await createProduct({ name: 'Marmalade jar' })
    const order = await createOrder([{ productId: product.id, quantity: 1 }, line('gold ribbon')], { customerId })
    const other = await createOrder([line('silver ribbon')])
    for (const q of ['quibble', 'angstrom', 'marmalade', 'RIBBON gold', `quibble ${order.number}`, 'quibble jar', 'qu'])
      expect([q, await found(q)]).toEqual([q, [order.id]])
    expect(await found('ribbon')).toEqual([other.id, order.id])
    expect(await found('ribbon quibble silver')).toEqual([])
    expect(await found(order.number.slice(4))).toContain(order.id)
    expect(await found(`${code} gold`)).toEqual([order.id])
    expect(await found('ribbon', '&status=cancelled')).toEqual([])
    expect(await found('ribbon', '&limit=1&sort=placedAt')).toEqual([order.id])
  })

  it('a whole order number finds only that order, and a whole customer code only the orders of that customer', async () => {
    const { id: customerId, code } = await createCustomer()
    const order = await createOrder([line('a')], { customerId })
    await createOrder([line(`instead of ${order.number}, for ${code}`)])
    for (const q of [order.number, order.number.toLowerCase(), ` ORD-${Number(order.number.slice(4))} `])
      expect([q, await found(q)]).toEqual([q, [order.id]])
    for (const q of [code, code.toLowerCase()]) expect([q, await found(q)]).toEqual([q, [order.id]])
    expect(await found('ORD-999999999')).toEqual([])
    expect(await found('CUS-999999')).toEqual([])
  })

  it('q finds orders by the new name of a customer and no more by the old one, and after a purge by neither', async () => {
    const { id: customerId } = await createCustomer({ name: 'Wilhelmina', surname: 'Oldham' })
    const many = 450
    const order = await createOrder([line('kettle')], { customerId })
    await service.db.query(
      `insert into orders (id, number, customer_id, status, total, currency, metadata, placed_at, created_by, created_by_name,
         updated_at, updated_by, updated_by_name)
       select gen_random_uuid(), nextval('order_numbers'), $1, 'placed', 1, 'EUR', '{}', now(), 'x', 'x', now(), 'x', 'x'
       from generate_series(1, $2)`,
      [customerId, many],
    )
    const totalOf = async (q: string) => (await service.user.get(`/v1/orders?q=${q}&limit=1`)).body.page.total
    await eventually(async () => expect(await totalOf('oldham')).toBe(many + 1), { timeoutMs: 20_000 })
    await customers.user.patch(`/v1/customers/${customerId}`, { surname: 'Newbury' })
    await eventually(async () => expect([await totalOf('oldham'), await totalOf('newbury')]).toEqual([0, many + 1]), {
      timeoutMs: 20_000,
    })
    expect((await service.user.get(`/v1/orders/${order.id}`)).body.version).toBe(1)
    await customers.admin.delete(`/v1/customers/${customerId}?purge=true`)
    await eventually(async () => expect(await tablesWithText(service.db, ['Wilhelmina'])).toEqual([]), {
      timeoutMs: 20_000,
    })
    await eventually(async () => expect(await found(order.number.slice(4))).toContain(order.id))
  }, 60_000)

  it('orders that were placed before q existed are found after a moment', async () => {
    const order = await createOrder([line('teapot lid')])
    await service.db.query('update orders set search_text = null where id = $1', [order.id])
    await eventually(async () => expect(await found('teapot')).toEqual([order.id]))
  })

  it('q finds names and descriptions by the letters that people type, also those that an earlier release has stored', async () => {
    const { id: customerId } = await createCustomer({ name: 'Łukasz', surname: 'O’Connor-Strauß' })
    const order = await createOrder([line('Æbleskiver, Đorđe’s choice')], { customerId })
    const queries = [
      'lukasz',
      "o'connor",
      'oconnor',
      'strauss',
      'STRAUẞ',
      'aebleskiver',
      "Dorde's choice",
      'choice, lukasz',
    ]
    for (const q of queries) expect([q, await found(q)]).toEqual([q, [order.id]])
    const text = `${order.number.toLowerCase()} łukasz o’connor-strauß æbleskiver, đorđe’s choice`
    await service.db.query('update orders set search_text = $2 where id = $1', [order.id, text])
    for (const q of queries) await eventually(async () => expect([q, await found(q)]).toEqual([q, [order.id]]))
  })

  it('any value of q is treated as data, and too many words return 400', async () => {
    for (const q of ["'", '%', '_', '\\', "' or 1=1", '\u{1f4a9}', randomUUID()]) expect(await found(q)).toEqual([])
    const { status } = await service.user.get(`/v1/orders?q=${'a%20b%20c%20d%20e%20f%20g%20h%20i%20j%20k'}`)
    expect(status).toBe(400)
  })
})
