import { client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'
import { aCustomer, type Running as RunningCustomers, startCustomers } from '../../customer-service/test/start.ts'
import { tablesWithText } from '../../features/test/find-text.ts'
import { orderCalls, textLine } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let customers: RunningCustomers
let service: Running
beforeAll(async () => {
  customers = await startCustomers({ customerRequiredFields: [] })
  service = await startOrders({ customerServiceUrl: customers.url }, customers.broker)
}, 60_000)
afterAll(async () => {
  await service?.stop()
  await customers?.stop()
})

const { createOrder } = orderCalls(() => service)
const createCustomer = async (fields: Record<string, unknown> = {}): Promise<{ id: string; code: string }> =>
  (await customers.user.post('/v1/customers', aCustomer(fields))).body
const customerOf = async (orderId: string) => (await service.user.get(`/v1/orders/${orderId}`)).body.customer
const waitForName = (orderId: string, displayName: string) =>
  eventually(async () => expect(await customerOf(orderId)).toMatchObject({ displayName }))

describe('The customer of an order', () => {
  it('an order shows the code and the name of its customer, and a new name within seconds', async () => {
    const { id, code } = await createCustomer({ name: 'Zenobia', surname: 'Quill' })
    const order = await createOrder([textLine], { customerId: id })
    expect(order.customer).toEqual({ id, code, displayName: 'Zenobia Quill' })
    await customers.user.patch(`/v1/customers/${id}`, { surname: 'Thorne' })
    await waitForName(order.id, 'Zenobia Thorne')
    const { body } = await service.user.get(`/v1/orders?customerId=${id}`)
    expect(body.data[0].customer).toEqual({ id, code, displayName: 'Zenobia Thorne' })
    const fulfilled = await service.user.post(`/v1/orders/${order.id}/fulfil`)
    expect(fulfilled.body.customer).toEqual(body.data[0].customer)
  })

  it('an order without a customer has none, and a customer without a name is shown by its code', async () => {
    expect((await createOrder([textLine])).customer).toBeNull()
    const { id, code } = await createCustomer({ name: null, surname: null })
    const order = await createOrder([textLine], { customerId: id })
    expect(order.customer).toEqual({ id, code, displayName: code })
  })

  it('the name of a customer stays in the trash, and after a purge it is neither shown nor stored', async () => {
    const { id } = await createCustomer({ name: 'Ottoline', surname: 'Vex' })
    const order = await createOrder([textLine], { customerId: id })
    await waitForName(order.id, 'Ottoline Vex')
    await customers.user.delete(`/v1/customers/${id}`)
    await eventually(async () =>
      expect(await service.db.query(`select from customers where id = $1 and state = 'trash'`, [id])).toHaveLength(1),
    )
    await waitForName(order.id, 'Ottoline Vex')
    expect(await tablesWithText(service.db, ['Ottoline'])).toContain('customers')
    await customers.admin.delete(`/v1/customers/${id}?purge=true`)
    await eventually(async () => expect(await customerOf(order.id)).toBeNull())
    await eventually(async () => expect(await tablesWithText(service.db, ['Ottoline'])).toEqual([]))
  })

  it('events of orders do not contain the name of the customer', async () => {
    const tap = await service.broker.subscribe()
    const { id } = await createCustomer({ name: 'Persephone', surname: 'Wick' })
    const order = await createOrder([textLine], { customerId: id })
    const { data } = await tap.next('order.placed.v1', order.id)
    expect(data).toMatchObject({ customerId: id, number: order.number })
    expect(JSON.stringify(data)).not.toContain('Persephone')
  })

  it('PATCH takes an order as it was read, although the customer has another name since', async () => {
    const { id } = await createCustomer({ name: 'Ida', surname: 'Old' })
    const read = await createOrder([textLine], { customerId: id })
    await customers.user.patch(`/v1/customers/${id}`, { surname: 'New' })
    await waitForName(read.id, 'Ida New')
    const { status, body } = await service.user.patch(`/v1/orders/${read.id}`, { ...read, note: 'ring twice' })
    expect([status, body.note, body.customer.displayName]).toEqual([200, 'ring twice', 'Ida New'])
  })
})

describe('Customers of the time before their names were kept', () => {
  it('order-service reads the names of customers from customer-service when it starts', async () => {
    const known = await createCustomer({ name: 'Early', surname: 'Bird' })
    const renamed = await createCustomer({ name: 'Late', surname: 'Owl' })
    const orders = [
      await createOrder([textLine], { customerId: known.id }),
      await createOrder([textLine], { customerId: renamed.id }),
    ]
    await waitForName(orders[1]?.id, 'Late Owl')
    // As the previous release leaves them: without a name, or with one that it did not update.
    await service.db.query('update customers set code = null, display_name = null where id = $1', [known.id])
    await service.db.query(`update customers set display_name = 'Late Old' where id = $1`, [renamed.id])
    expect(await customerOf(orders[0]?.id)).toBeNull()
    const replica = await service.startReplica({ customerServiceInternalUrl: customers.internalUrl })
    try {
      await waitForName(orders[0]?.id, 'Early Bird')
      await waitForName(orders[1]?.id, 'Late Owl')
    } finally {
      await replica.stop()
    }
  })

  it('GET /customers on the internal port returns the customers in pages, and 400 for a wrong limit', async () => {
    const internal = client(customers.internalUrl)
    await createCustomer()
    const ids: string[] = []
    for (let after = ''; ; after = ids.at(-1) ?? '') {
      const { status, body } = await internal.get(`/customers?limit=2&after=${after}`)
      expect(status).toBe(200)
      ids.push(...body.data.map(({ id }: { id: string }) => id))
      if (body.data.length < 2) break
    }
    const [all] = await customers.db.query<{ ids: string[] }>('select array_agg(id order by id) as ids from customers')
    expect(ids).toEqual(all?.ids)
    for (const query of ['limit=1001', 'after=x', 'color=red'])
      expect((await internal.get(`/customers?${query}`)).status).toBe(400)
  })
})
