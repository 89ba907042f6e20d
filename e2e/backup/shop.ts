import { createHash, randomBytes } from 'node:crypto'
import { createPng } from '../png-image.ts'

type Json = Record<string, unknown>
export type Shop = Awaited<ReturnType<typeof openShop>>

const lists = ['customers', 'products', 'orders', 'notifications', 'users'] as const
/** Fields that differ after a restore: links are signed with another key, and sign-ins change `lastLoginAt`. */
const volatileFields = ['photoUrl', 'photoUrls', 'links', 'lastLoginAt']

const withoutVolatile = (row: Json): Json =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !volatileFields.includes(name)))

/** A client of a running installation, signed in as an admin. */
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
  const listAll = async (list: string): Promise<Json[]> => {
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
    await call('PUT', `/v1/customers/${customer.id}/photo`, createPng(40, 30))
    return customer
  }
  return {
    call,
    listAll,
    createCustomer,
    /** Creates a customer with a photo, an order of a product, and a user with a password. */
    createRecords: async () => {
      const [product] = await listAll('products')
      const customer = await createCustomer()
      const lines = [{ productId: product?.['id'], quantity: 1 }]
      const order = await call<{ id: string }>('POST', '/v1/orders', { customerId: customer.id, lines })
      const name = `kept-${randomBytes(4).toString('hex')}`
      const user = {
        username: name,
        email: `${name}@example.com`,
        password: `Aa1-${name}`,
        name: 'Kept',
        surname: name,
      }
      await call('POST', '/v1/users', user)
      return { customer, order, user }
    },
    /** All records that the API lists, and the hash of every photo. */
    snapshot: async () => {
      const records = await Promise.all(
        lists.map(async (list) => [list, (await listAll(list)).map(withoutVolatile)] as const),
      )
      const hashes: string[] = []
      for (const { id, photoUrl } of await listAll('customers')) {
        if (typeof photoUrl !== 'string') continue
        const photo = await fetch(new URL(photoUrl, gateway))
        const hash = createHash('sha256').update(Buffer.from(await photo.arrayBuffer()))
        hashes.push(`${id} ${photo.status} ${hash.digest('hex')}`)
      }
      return { ...Object.fromEntries(records), hashes }
    },
  }
}
