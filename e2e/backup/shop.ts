import { createHash, randomBytes } from 'node:crypto'
import { png } from '../picture.ts'

type Json = Record<string, unknown>
export type Shop = Awaited<ReturnType<typeof openShop>>

const lists = ['customers', 'products', 'orders', 'notifications', 'users'] as const
/** What another key signs, or a sign-in changes. */
const passing = ['photoUrl', 'photoThumbUrl', 'links', 'lastLoginAt']

const withoutPassing = (row: Json): Json =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !passing.includes(name)))

/** An admin at work in a running installation. */
export const openShop = async (gateway: string, username = 'admin', password = '12345') => {
  const signIn = await fetch(`${gateway}/v1/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password }),
  })
  if (!signIn.ok) throw new Error(`sign-in of ${username}: ${signIn.status} ${await signIn.text()}`)
  const authorization = `Bearer ${((await signIn.json()) as { accessToken: string }).accessToken}`
  const call = async <T = Json>(method: string, path: string, body?: Json | Uint8Array<ArrayBuffer>): Promise<T> => {
    const isImage = body instanceof Uint8Array
    const type = { 'content-type': isImage ? 'image/png' : 'application/json' }
    const response = await fetch(gateway + path, {
      method,
      headers: { authorization, ...(body && type) },
      ...(body && { body: isImage ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
  const pages = async (list: string): Promise<Json[]> => {
    const rows: Json[] = []
    for (let cursor = ''; ; ) {
      const page = await call<{ data: Json[]; nextCursor?: string | null }>('GET', `/v1/${list}?limit=100${cursor}`)
      rows.push(...page.data)
      if (!page.nextCursor) return rows
      cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`
    }
  }
  const createCustomer = async () => {
    const customer = await call<{ id: string }>('POST', '/v1/customers', {
      name: 'Kept',
      surname: randomBytes(4).toString('hex'),
      phone: '+254700000001',
    })
    await call('PUT', `/v1/customers/${customer.id}/photo`, png(40, 30))
    return customer
  }
  return {
    call,
    pages,
    createCustomer,
    /** A customer with a photo, an order of a product, and a person with a password. */
    work: async () => {
      const [product] = await pages('products')
      const customer = await createCustomer()
      const lines = [{ productId: product?.['id'], quantity: 1 }]
      const order = await call<{ id: string }>('POST', '/v1/orders', { customerId: customer.id, lines })
      const name = `kept-${randomBytes(4).toString('hex')}`
      const person = {
        username: name,
        email: `${name}@example.com`,
        password: `Aa1-${name}`,
        name: 'Kept',
        surname: name,
      }
      await call('POST', '/v1/users', person)
      return { customer, order, person }
    },
    /** All that the API shows, and the hash of every photo. */
    state: async () => {
      const shown = await Promise.all(
        lists.map(async (list) => [list, (await pages(list)).map(withoutPassing)] as const),
      )
      const hashes: string[] = []
      for (const { id, photoUrl } of await pages('customers')) {
        if (typeof photoUrl !== 'string') continue
        const photo = await fetch(new URL(photoUrl, gateway))
        const hash = createHash('sha256').update(Buffer.from(await photo.arrayBuffer()))
        hashes.push(`${id} ${photo.status} ${hash.digest('hex')}`)
      }
      return { ...Object.fromEntries(shown), hashes }
    },
  }
}
