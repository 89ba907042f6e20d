import { type Client, client } from '@clientele/platform/testing/client'
import type { SignedIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { png } from '../../picture.ts'
import { makeJobs } from './job-rows.ts'

/** Ids by the beginning of their paths. */
export type KnownIds = Record<string, string[]>

const made = async (answer: ReturnType<Client['post']>): Promise<string> => {
  const { status, body } = await answer
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.id
}

const several = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)))

/** Customers as they are, with a photo and in the trash, images, products, orders, imports, jobs, and for an admin people to change. */
export const makeRows = async (gateway: string, person: SignedIn, role: 'user' | 'admin'): Promise<KnownIds> => {
  const api = client(gateway, person.token)
  const customer = () => made(api.post('/v1/customers', { name: 'Ana', surname: 'Lovelace', tags: ['wholesale'] }))
  const file = new Blob([png(64, 48)], { type: 'image/png' })
  const medium = () => {
    const form = new FormData()
    form.set('file', file, 'photo.png')
    return made(api.post('/v1/media', form))
  }
  const customers = await several(30, async (index) => {
    const id = await customer()
    if (index % 3 === 1) await api.put(`/v1/customers/${id}/photo`, { mediaId: await medium() })
    if (index % 3 === 2) await api.delete(`/v1/customers/${id}`)
    return id
  })
  const products = await several(30, async (index) => {
    const sku = `known-${index}`
    const id = await made(api.post('/v1/products', { name: 'Goods', sku, price: '2.50', stock: 1_000 }))
    if (index % 3 === 1) await api.put(`/v1/products/${id}/photo`, { mediaId: await medium() })
    if (index % 3 === 2) await api.delete(`/v1/products/${id}`)
    return id
  })
  const orders = await several(20, (index) => {
    // Those whose number is a multiple of three are in no trash. They have no address: their orders have notifications to try again.
    const there = (index % 10) * 3
    const customer = index < 10 ? { customerId: customers[there] } : {}
    const goods = { productId: products[there], quantity: 1 }
    const lines = [goods, { description: 'wrapping', unitPrice: '1.50' }]
    return made(api.post('/v1/orders', { ...customer, lines }))
  })
  const notifications = await eventually(async () => {
    const { body } = await api.get('/v1/notifications?status=skipped')
    if (body.data.length < 10) throw new Error(`${body.data.length} notifications are skipped`)
    return (body.data as { id: string }[]).map(({ id }) => id)
  })
  const people = role === 'admin' ? 12 : 0
  return {
    ...(await makeJobs(api, 15)),
    '/v1/customers/{key}': customers,
    '/v1/products/{key}': products,
    '/v1/orders/{key}': orders,
    '/v1/notifications/{id}': notifications,
    '/v1/media/{id}': await several(10, medium),
    '/v1/users/{id}': await several(people, (index) =>
      made(api.post('/v1/users', { username: `known-${index}`, email: `known-${index}@example.com` })),
    ),
  }
}
