import { type Client, client } from '@clientele/platform/testing/client'
import type { SignedInUser } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { createPng } from '../../png-image.ts'
import { createBulkChanges, createDemoJobs } from './demo-jobs.ts'

/** Ids by path: `/v1/orders/{key}` → ids of orders. */
export type KnownIds = Record<string, string[]>

const createdId = async (response: ReturnType<Client['post']>): Promise<string> => {
  const { status, body } = await response
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.id
}

const repeat = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)))

const refusing = { url: 'http://127.0.0.1:1024/', events: ['customer.*'] }

/** Creates webhooks that nobody receives: one with attempts, and others that may be deleted. */
const createWebhooks = async (api: Client): Promise<KnownIds> => {
  const others = await repeat(6, () => createdId(api.post('/v1/webhooks', { ...refusing, active: false })))
  const id = await createdId(api.post('/v1/webhooks', refusing))
  await createdId(api.post('/v1/customers', { name: 'Ana', surname: 'Lovelace' }))
  const attempts = await eventually(async () => {
    const { data } = (await api.get(`/v1/webhooks/${id}/deliveries`)).body
    if (data.length === 0) throw new Error('the webhook has no attempt yet')
    return (data as { id: string }[]).map((attempt) => attempt.id)
  })
  return {
    '/v1/webhooks/{id}': others,
    '/v1/webhooks/{id}/deliveries': [id],
    '/v1/webhooks/{id}/deliveries/{deliveryId}': attempts,
  }
}

/**
 * Creates records that a tool can read and change: customers and products with and without photo and in the trash, images,
 * orders, imports and jobs; for an admin also users and webhooks.
 */
export const createDemoRecords = async (
  gateway: string,
  user: SignedInUser,
  role: 'user' | 'admin',
): Promise<KnownIds> => {
  const api = client(gateway, user.token)
  const createCustomer = () =>
    createdId(api.post('/v1/customers', { name: 'Ana', surname: 'Lovelace', tags: ['wholesale'] }))
  const file = new Blob([createPng(64, 48)], { type: 'image/png' })
  const image = () => {
    const form = new FormData()
    form.set('file', file, 'photo.png')
    return createdId(api.post('/v1/media', form))
  }
  const customers = await repeat(30, async (index) => {
    const id = await createCustomer()
    if (index % 3 === 1) await api.put(`/v1/customers/${id}/photo`, { mediaId: await image() })
    if (index % 3 === 2) await api.delete(`/v1/customers/${id}`)
    return id
  })
  const products = await repeat(30, async (index) => {
    const sku = `known-${index}`
    const id = await createdId(api.post('/v1/products', { name: 'Goods', sku, price: '2.50', stock: 1_000 }))
    if (index % 3 === 1) await api.put(`/v1/products/${id}/photo`, { mediaId: await image() })
    if (index % 3 === 2) await api.delete(`/v1/products/${id}`)
    return id
  })
  const orders = await repeat(20, (index) => {
    // Every third record is neither changed nor in the trash. These customers have no e-mail address and no telephone number,
    // so notifications about their orders are skipped and can be retried.
    const unchanged = (index % 10) * 3
    const customer = index < 10 ? { customerId: customers[unchanged] } : {}
    const goods = { productId: products[unchanged], quantity: 1 }
    const lines = [goods, { description: 'wrapping', unitPrice: '1.50' }]
    return createdId(api.post('/v1/orders', { ...customer, lines }))
  })
  const notifications = await eventually(async () => {
    const { body } = await api.get('/v1/notifications?status=skipped')
    if (body.data.length < 10) throw new Error(`${body.data.length} notifications are skipped`)
    return (body.data as { id: string }[]).map(({ id }) => id)
  })
  const userCount = role === 'admin' ? 12 : 0
  return {
    ...(await createDemoJobs(api, 15)),
    ...(role === 'admin' && { ...(await createWebhooks(api)), '/v1/audit/{seq}': ['1', '2', '3'] }),
    '/v1/customers/bulk/{id}/undo': await createBulkChanges(api, 6),
    '/v1/tags/{tag}': ['wholesale'],
    '/v1/customers/{key}': customers,
    '/v1/products/{key}': products,
    '/v1/orders/{key}': orders,
    '/v1/notifications/{id}': notifications,
    '/v1/media/{id}': await repeat(10, image),
    '/v1/users/{id}': await repeat(userCount, (index) =>
      createdId(api.post('/v1/users', { username: `known-${index}`, email: `known-${index}@example.com` })),
    ),
  }
}
