import { asOwner, explain, observeQueries } from '@clientele/platform/testing/database'
import { createCustomerList } from '../src/customers/customer.list.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

type Body = Record<string, unknown>

let service: Running
beforeAll(async () => {
  service = await startCustomers({ defaultCountry: 'KE' })
  const rows: Body[] = [
    { name: 'Mariana', email: 'ria@one.example', externalId: 'shop-42', metadata: { source: 'fair', floor: 3 } },
    { name: 'Ana', email: 'ana@two.example', phone: '0711 000 301', address: { city: 'Nairobi', country: 'ke' } },
    { name: 'Anabel', email: 'diana@two.example', phone: '0711 000 302', externalId: 'shop-421' },
    {
      name: 'Joana',
      email: 'joana@three.example',
      address: { city: 'Winston-Salem, NC', region: 'NC', postalCode: '27101', country: 'US' },
      metadata: { source: 'web', floor: '3', vip: true, 'a.b [c]': 'x, y' },
    },
  ]
  for (const row of rows)
    await service.user.post('/v1/customers', { ...aCustomer(), surname: 'Search', phone: null, ...row })
})
afterAll(() => service?.stop())

const names = async (query: Record<string, string>): Promise<string[]> => {
  const { status, body } = await service.user.get(`/v1/customers?${new URLSearchParams(query)}`)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.data.map(({ name }: { name: string }) => name)
}

describe('Search of customers', () => {
  it('sort=relevance lists whole words before beginnings of words, and these before other matches', async () => {
    expect(await names({ q: 'ana', sort: 'relevance' })).toEqual(['Ana', 'Anabel', 'Joana', 'Mariana'])
    expect(await names({ q: 'ana' })).toEqual(['Joana', 'Anabel', 'Ana', 'Mariana'])
  })

  it('sort=relevance without q returns 400 that names sort', async () => {
    expect(await service.user.get('/v1/customers?sort=relevance')).toMatchObject({
      status: 400,
      body: { errors: [{ parameter: 'sort', message: expect.stringContaining('needs q') }] },
    })
  })

  it('q finds only the customer whose code, e-mail, telephone number or external id it is', async () => {
    const { body } = await service.user.get('/v1/customers?name=Joana')
    expect(await names({ q: body.data[0].code.toLowerCase() })).toEqual(['Joana'])
    expect(await names({ q: 'ANA@two.example' })).toEqual(['Ana'])
    expect(await names({ q: 'shop-42' })).toEqual(['Mariana'])
    expect(await names({ q: '0711 000 301' })).toEqual(['Ana'])
    expect(await names({ q: '+254711000301', sort: 'relevance' })).toEqual(['Ana'])
  })

  it('q finds parts of them if no customer has it', async () => {
    expect(await names({ q: 'na@two.example' })).toEqual(['Anabel', 'Ana'])
    expect(await names({ q: 'shop-4' })).toEqual(['Anabel', 'Mariana'])
    expect(await names({ q: '71100030' })).toEqual(['Anabel', 'Ana'])
  })
})

describe('Filters by address and metadata', () => {
  it.each<[Record<string, string>, string[]]>([
    [{ 'address.city': 'Nairobi' }, ['Ana']],
    [{ 'address.city': 'nairobi' }, []],
    [{ 'address.city': 'Nairobi,Winston-Salem\\, NC' }, ['Joana', 'Ana']],
    [{ 'address.country': 'us', 'address.region': 'NC' }, ['Joana']],
    [{ 'address.postalCode': '27101' }, ['Joana']],
    [{ 'metadata.source': 'fair' }, ['Mariana']],
    [{ 'metadata[source]': 'fair,web' }, ['Joana', 'Mariana']],
    [{ 'metadata.floor': '3' }, ['Joana', 'Mariana']],
    [{ 'metadata.vip': 'true' }, ['Joana']],
    [{ 'metadata.a.b [c]': 'x\\, y' }, ['Joana']],
    [{ 'metadata.__proto__': 'x' }, []],
    [{ 'metadata.source': "' or 1=1 --" }, []],
    [{ 'metadata.source': 'web', q: 'ana', sort: 'relevance' }, ['Joana']],
  ])('the query %j finds %j', async (query, expected) => expect(await names(query)).toEqual(expected))

  it.each([
    'address.street=x',
    'address.city[contains]=x',
    `address.region=${'x'.repeat(1_001)}`,
    `metadata.source=${'x'.repeat(1_001)}`,
    'metadata=x',
    'metadata.=x',
    `metadata.${'k'.repeat(65)}=x`,
    'metadata.a%00=x',
  ])('the query %s returns 400', async (query) =>
    expect((await service.user.get(`/v1/customers?${query}`)).status).toBe(400),
  )

  it('an export takes them in its filter, also metadata as an object', async () => {
    for (const filter of [{ metadata: { source: 'web' } }, { 'metadata.source': 'web', 'address.country': ['US'] }]) {
      const { status } = await service.user.post('/v1/exports', { format: 'json', filter })
      expect(status).toBe(202)
    }
    const { status } = await service.user.post('/v1/exports', { filter: { metadata: { source: { is: 'web' } } } })
    expect(status).toBe(422)
  })

  it('the filters use an index', async () => {
    await service.db.query(`insert into customers (id, code, name, surname, search_text, address, metadata,
        created_at, created_by, created_by_name, updated_at, updated_by, updated_by_name)
      select gen_random_uuid(), next_customer_code(), 'x', 'y', 'x y', jsonb_build_object('city', 'C' || n),
        jsonb_build_object('n', n), now(), 'x', 'x', now(), 'x', 'x' from generate_series(1, 5000) n`)
    await asOwner(service.database, 'vacuum analyze customers')
    const plans: string[] = []
    const { db } = service
    const explained = observeQueries(
      db,
      async (sql, values) => void plans.push((await explain(db, sql, values)).join('\n')),
    )
    const list = createCustomerList({ defaultCountry: undefined })
    for (const query of [{ 'address.city': 'C77' }, { 'metadata.n': '77' }]) {
      expect((await list.run(explained, query)).rows).toHaveLength(1)
      expect(plans.at(-1)).toMatch(/Bitmap Index Scan on customers_by_address_and_metadata/)
    }
  })
})
