import { type Client, client } from '@clientele/platform/testing/client'
import type { SignedIn } from '@clientele/platform/testing/tokens'
import { png } from '../../picture.ts'

/** Ids by the beginning of their paths. */
export type KnownIds = Record<string, string[]>

const made = async (answer: ReturnType<Client['post']>): Promise<string> => {
  const { status, body } = await answer
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.id
}

const several = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)))

/** Customers as they are, with a photo and in the trash, images, products, orders, and for an admin people to change. */
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
  const product = (index: number) =>
    made(api.post('/v1/products', { name: 'Goods', sku: `known-${index}`, price: '2.50', stock: 1_000 }))
  const products = await several(20, product)
  const orders = await several(20, (index) => {
    const lines = [
      { productId: products[index], quantity: 1 },
      { description: 'wrapping', unitPrice: '1.50' },
    ]
    // Those whose number is a multiple of three are in no trash.
    return made(api.post('/v1/orders', { customerId: customers[(index % 10) * 3], lines }))
  })
  const people = role === 'admin' ? 12 : 0
  return {
    '/v1/customers/{key}': customers,
    '/v1/products/{key}': products,
    '/v1/orders/{key}': orders,
    '/v1/media/{id}': await several(10, medium),
    '/v1/users/{id}': await several(people, (index) =>
      made(api.post('/v1/users', { username: `known-${index}`, email: `known-${index}@example.com` })),
    ),
  }
}
