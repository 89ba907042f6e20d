import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { client } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { aCustomer, type Running as RunningCustomers, startCustomers } from '../../customer-service/test/start.ts'
import { orderCalls, textLine } from './order-calls.ts'
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

const { createOrder } = orderCalls(() => service)
const createCustomer = async () => (await customers.user.post('/v1/customers', aCustomer())).body

describe('include=customer', () => {
  it('include=customer shows the whole customer in a list and of one order, and without it the short form', async () => {
    const customer = await createCustomer()
    const order = await createOrder([textLine], { customerId: customer.id })
    const without = await createOrder([textLine])
    const displayName = `${customer.name} ${customer.surname}`
    const { body: list } = await service.user.get(`/v1/orders?id=${order.id},${without.id}&include=customer`)
    expect(list.data.map((each: { customer: unknown }) => each.customer)).toEqual([null, { ...customer, displayName }])
    const { body: one } = await service.user.get(`/v1/orders/${order.number}?idBy=number&include=customer`)
    expect(one).toEqual(list.data[1])
    const { body: short } = await service.user.get(`/v1/orders/${order.id}`)
    expect(short.customer).toEqual({ id: customer.id, code: customer.code, displayName })
    expect((await service.user.patch(`/v1/orders/${order.id}`, { ...one, note: 'a' })).status).toBe(200)
  })

  it('a page needs one request to customer-service, however many customers it has', async () => {
    const seen: string[] = []
    const proxy = createHttpServer(async (req, res) => {
      seen.push(req.url ?? '')
      const headers = { authorization: req.headers.authorization ?? '' }
      const response = await fetch(`${customers.url}${req.url}`, { headers })
      res.writeHead(response.status).end(await response.text())
    })
    await once(proxy.listen(0, '127.0.0.1'), 'listening')
    const customerServiceUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const replica = await service.startReplica({ customerServiceUrl })
    try {
      const user = client(replica.url, (await signedInAs('user')).token)
      const ids: string[] = []
      for (let count = 0; count < 5; count += 1) {
        const { id } = await createCustomer()
        ids.push((await createOrder([textLine], { customerId: id })).id)
      }
      const { body } = await user.get(`/v1/orders?id=${ids.join(',')}&include=customer`)
      expect(body.data.map(({ customer }: { customer: { email: string } }) => customer.email)).toHaveLength(5)
      expect(body.data.every(({ customer }: { customer: { email?: string } }) => customer.email)).toBe(true)
      expect(seen).toHaveLength(1)
    } finally {
      await replica.stop()
      proxy.close()
    }
  })

  it('orders come with the short form of a customer in the trash', async () => {
    const customer = await createCustomer()
    const order = await createOrder([textLine], { customerId: customer.id })
    await customers.user.delete(`/v1/customers/${customer.id}`)
    const { body } = await service.user.get(`/v1/orders/${order.id}?include=customer`)
    expect(Object.keys(body.customer)).toEqual(['id', 'code', 'displayName'])
  })

  it('orders come with the short form while customer-service is away or does not respond', async () => {
    const customer = await createCustomer()
    const order = await createOrder([textLine], { customerId: customer.id })
    await eventually(async () =>
      expect((await service.user.get(`/v1/orders/${order.id}`)).body.customer).not.toBeNull(),
    )
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`
    for (const customerServiceUrl of ['http://127.0.0.1:1', silentUrl]) {
      const replica = await service.startReplica({ customerServiceUrl })
      const user = client(replica.url, (await signedInAs('user')).token)
      const { status, body } = await user.get(`/v1/orders?id=${order.id}&include=customer`)
      expect([status, body.data[0].customer]).toEqual([200, order.customer])
      await replica.stop()
    }
    silent.close()
  }, 30_000)

  it('another value of include returns 400', async () => {
    for (const path of ['/v1/orders?include=lines', '/v1/orders?include=customer,x'])
      expect((await service.user.get(path)).body).toMatchObject({ status: 400, errors: [{ parameter: 'include' }] })
  })
})
