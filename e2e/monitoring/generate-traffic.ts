import { type Client, client } from '@clientele/platform/testing/client'
import { realmAdmin } from '@clientele/platform/testing/realm'
import { createSignedInUser } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import type { FakeProvider } from '../../notification-service/test/africastalking.ts'
import { createPng } from '../png-image.ts'
import type { System } from '../system.ts'

type TrafficContext = { system: System; admin: Client; user: Client; sms: FakeProvider }

const unique = () => Math.random().toString(36).slice(2, 10)
const aPhone = () => `+2547${Math.floor(10_000_000 + Math.random() * 89_999_999)}`

const placeOrders = async ({ user, sms }: TrafficContext): Promise<void> => {
  const product = await user.post('/v1/products', { name: `Goods ${unique()}`, price: 2, stock: 10, lowStockAt: 8 })
  const customer = await user.post('/v1/customers', { name: 'Ana', surname: 'Wanjiru', phone: aPhone() })
  const order = (quantity: number) =>
    user.post('/v1/orders', { customerId: customer.body.id, lines: [{ productId: product.body.id, quantity }] })
  const seen = sms.seen().length
  const placed = [await order(1), await order(2)]
  await eventually(() => expect(sms.seen().length).toBeGreaterThan(seen + 1), { timeoutMs: 20_000 })
  expect((await order(100)).status).toBe(409)
  await user.post(`/v1/orders/${placed[0]?.body.id}/fulfil`)
  await user.post(`/v1/orders/${placed[1]?.body.id}/cancel`)
  await user.patch(`/v1/customers/${customer.body.id}`, { name: 'Anna' })
  await user.get('/v1/customers?limit=5')
  await user.get('/v1/notifications')
}

const uploadPhoto = async ({ user }: TrafficContext): Promise<void> => {
  const form = new FormData()
  form.set('name', 'Photo')
  form.set('surname', unique())
  form.set('photo', new Blob([createPng(320, 240)], { type: 'image/png' }), 'me.png')
  const { body } = await user.post('/v1/customers', form)
  expect((await fetch(body.photoUrl)).status).toBe(200)
}

const changeUsers = async ({ system, admin }: TrafficContext): Promise<void> => {
  const anonymous = client(system.gateway)
  const email = `new-${unique()}@example.com`
  await anonymous.post('/v1/auth/signup', { email, password: 'a long enough Passw0rd', name: 'Nova' })
  await anonymous.post('/v1/auth/login', { username: email, password: 'wrong' })
  await anonymous.post('/v1/auth/password-reset', { email })
  const { id, token } = await createSignedInUser(['user'])
  const person = client(system.gateway, token)
  await eventually(async () => expect((await admin.get(`/v1/users/${id}`)).status).toBe(200))
  // The change in Keycloak reaches the gateway as a revocation.
  await realmAdmin().updateUser(id, { enabled: false })
  await eventually(async () => expect((await person.get('/v1/customers')).status).toBe(401), { timeoutMs: 20_000 })
}

/** Does everything that the dashboards show once: orders, uploads, sign-ups, revocations, failures. */
export const generateTraffic = async (context: TrafficContext): Promise<void> => {
  await Promise.all([placeOrders(context), uploadPhoto(context), changeUsers(context)])
  context.sms.next({ status: 400 })
  await placeOrders(context)
  await context.system.broker.publishRaw('customer.created.v1', Buffer.from('not an event'))
}
