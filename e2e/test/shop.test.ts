import { type Client, client } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { type FakeProvider, startAfricastalking } from '../../notification-service/test/africastalking.ts'
import { secretOf } from '../service-settings.ts'
import { type System, startSystem } from '../system.ts'

const callbackSecret = secretOf('callback')

let sms: FakeProvider
let system: System
let admin: Client
const anonymous = () => client(system.gateway)
const unique = () => Math.random().toString(36).slice(2, 10)
const aPhone = () => `+2547${Math.floor(10_000_000 + Math.random() * 89_999_999)}`

beforeAll(async () => {
  sms = await startAfricastalking()
  system = await startSystem({
    'notification-service': {
      SMS_PROVIDER: 'africastalking',
      AFRICASTALKING_USERNAME: 'duka',
      AFRICASTALKING_API_KEY: 'at-key',
      AFRICASTALKING_URL: sms.url,
      SHOP_NAME: 'Duka',
      CALLBACK_SECRET: callbackSecret,
    },
  })
  admin = client(system.gateway, (await signedInAs('admin')).token)
}, 120_000)
afterAll(async () => {
  await system?.close()
  await sms?.stop()
}, 60_000)

it('GET /v1/config shows the settings of every service without a token', async () => {
  const { status, body } = await anonymous().get('/v1/config')
  expect([status, body]).toEqual([
    200,
    {
      name: 'Clientele',
      version: expect.any(String),
      shop: { name: 'Duka', locale: 'en', timeZone: 'UTC', currency: 'EUR', country: null },
      customers: { requiredFields: ['name', 'surname'] },
      orders: { customerRequired: false },
      limits: {
        pageSize: 200,
        batchItems: 500,
        bodyBytes: 1_000_000,
        uploadBytes: 20_971_520,
        importBytes: 500_000_000,
      },
      features: { signup: true, passwordLogin: true, mail: false, docs: true },
    },
  ])
  const { body: document } = await anonymous().get('/openapi.json')
  expect(Object.keys(document.components.schemas)).toContain('InstallationConfig')
  expect(document.paths['/v1/config'].get).toMatchObject({ operationId: 'getConfig', security: [] })
})

describe('A shop, from sign-up to the SMS', () => {
  let shopkeeper: Client
  beforeAll(async () => {
    const email = `keeper-${unique()}@example.com`
    const password = 'a long enough Passw0rd'
    expect((await anonymous().post('/v1/auth/signup', { email, password, name: 'Kip' })).status).toBe(202)
    const login = await eventually(async () => {
      const response = await anonymous().post('/v1/auth/login', { username: email, password })
      expect(response.status).toBe(200)
      return response
    })
    shopkeeper = client(system.gateway, login.body.accessToken)
  }, 60_000)

  it('an order for a new customer lowers the stock and sends an SMS whose delivery is reported', async () => {
    const product = await shopkeeper.post('/v1/products', {
      name: 'Red Bull',
      price: '2.2',
      stock: '100',
      currency: 'KES',
    })
    expect(product.status).toBe(201)
    const phone = aPhone()
    const customer = await shopkeeper.post('/v1/customers', { name: 'Ana', surname: 'Wanjiru', phone })
    const order = await shopkeeper.post('/v1/orders', {
      customerId: customer.body.id,
      lines: [
        { productId: product.body.id, quantity: 15 },
        { description: 'macbook m2', unitPrice: '56000.68', quantity: 1 },
      ],
    })
    expect(order).toMatchObject({ status: 201, body: { total: '56033.68', currency: 'KES', status: 'placed' } })
    expect(order.body.number).toMatch(/^ORD-\d{6}$/)
    expect((await shopkeeper.get(`/v1/products/${product.body.id}`)).body.stock).toBe(85)
    const own = await shopkeeper.get('/v1/orders?createdBy=me')
    expect(own.body.data.map(({ id }: { id: string }) => id)).toEqual([order.body.id])

    const notification = await eventually(async () => {
      const { body } = await admin.get(`/v1/notifications?orderId=${order.body.id}`)
      expect(body.data).toMatchObject([{ status: 'sent', channel: 'sms', to: phone }])
      return body.data[0]
    })
    const [text, ...more] = sms.seen(phone)
    expect(more).toEqual([])
    expect(text?.form['message']).toContain(order.body.number)
    expect(text?.form['message']).toContain('56,033.68')

    const report = new URLSearchParams({ id: text?.messageId ?? '', status: 'Success', phoneNumber: phone })
    const callback = await anonymous().raw('POST', `/v1/callbacks/africastalking/${callbackSecret}`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: report.toString(),
    })
    expect(callback.status).toBeLessThan(300)
    await eventually(async () =>
      expect((await shopkeeper.get(`/v1/notifications/${notification.id}`)).body).toMatchObject({
        status: 'delivered',
        to: expect.stringMatching(/^\+254.*\*/),
      }),
    )
  }, 60_000)

  it('orders are placed while customer-service and notification-service are unavailable, and the SMS is sent later', async () => {
    const phone = aPhone()
    const customer = await shopkeeper.post('/v1/customers', { name: 'Ben', surname: 'Otieno', phone })
    const line = { description: 'repair', unitPrice: 12.5 }
    expect((await shopkeeper.post('/v1/orders', { customerId: customer.body.id, lines: [line] })).status).toBe(201)
    await Promise.all([system.kill('customer-service'), system.kill('notification-service')])
    const order = await shopkeeper.post('/v1/orders', { customerId: customer.body.id, lines: [line] })
    expect(order.status).toBe(201)
    await Promise.all([system.start('customer-service'), system.start('notification-service')])
    await eventually(() => expect(sms.seen(phone)).toHaveLength(2), { timeoutMs: 30_000 })
  }, 90_000)

  it('an order beyond the stock gets 409 that names the short lines, and changes nothing', async () => {
    const [one, two] = await Promise.all(
      [3, 50].map((stock) => shopkeeper.post('/v1/products', { name: `Goods ${stock}`, price: 5, stock })),
    )
    const declined = await shopkeeper.post('/v1/orders', {
      lines: [
        { productId: one?.body.id, quantity: 2 },
        { productId: two?.body.id, quantity: 5 },
        { productId: one?.body.id, quantity: 2 },
      ],
    })
    expect(declined).toMatchObject({ status: 409, body: { code: 'insufficient_stock' } })
    expect(declined.body.errors).toEqual([
      expect.objectContaining({ pointer: '/lines/0/quantity', requested: 4, available: 3 }),
      expect.objectContaining({ pointer: '/lines/2/quantity', requested: 4, available: 3 }),
    ])
    expect((await shopkeeper.get(`/v1/products/${two?.body.id}`)).body.stock).toBe(50)
    expect((await shopkeeper.get(`/v1/orders?productId=${two?.body.id}`)).body.data).toEqual([])
  })
})
