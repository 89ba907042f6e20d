import { connectDb, type Db } from '@clientele/platform/data/db'
import { asOwner, explain, observeQueries, type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { createCustomerList } from '../src/customers/customer.list.ts'
import { migrations } from '../src/migrations.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

const sorted = [
  '10 Downing Street',
  'alpha',
  'Ana',
  'Ångström',
  'Beta',
  'de la Cruz',
  'Item 2',
  'item 2a',
  'Item 10',
  'Łukasz',
  'Makena',
  'O’Neil',
  'Öz',
  'van Dyk',
  'zeta',
  'Zeta',
  'Zoë',
  'Ωmega',
  'Жук',
  '王',
]
// 7 and 20 have no common divisor, so this is a permutation.
const shuffled = sorted.map((_, index) => sorted[(index * 7) % sorted.length] ?? '')

let service: Running
beforeAll(async () => {
  service = await startCustomers()
  const items = shuffled.map((surname) => ({
    op: 'create',
    data: aCustomer({ surname, name: surname, tags: ['sorted'] }),
  }))
  expect((await service.user.post('/v1/customers/batch', { items })).status).toBe(200)
})
afterAll(() => service?.stop())

type Page = { surnames: string[]; next: string | null; previous: string | null }
const read = async (query: Record<string, string>): Promise<Page> => {
  const { status, body } = await service.user.get(`/v1/customers?${new URLSearchParams({ tag: 'sorted', ...query })}`)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  const surnames = body.data.map(({ surname }: { surname: string }) => surname)
  return { surnames, next: body.page.nextCursor, previous: body.page.prevCursor }
}

describe('Customers sorted by name', () => {
  it.each(['surname', 'name', 'surname,name'])('sort=%s has the order that people expect', async (sort) => {
    expect((await read({ sort })).surnames).toEqual(sorted)
    const descending = `-${sort.replace(',', ',-')}`
    expect((await read({ sort: descending })).surnames).toEqual(sorted.toReversed())
  })

  it.each(['1', '3', '7'])('pages of %s continue where the last one ended, forwards and backwards', async (limit) => {
    const pages = [await read({ sort: 'surname', limit })]
    for (let cursor = pages[0]?.next; cursor; cursor = pages.at(-1)?.next) pages.push(await read({ cursor, limit }))
    expect(pages.flatMap(({ surnames }) => surnames)).toEqual(sorted)
    const backwards = [...(pages.at(-1)?.surnames ?? [])]
    for (let cursor = pages.at(-1)?.previous; cursor; ) {
      const { surnames, previous } = await read({ cursor, limit })
      backwards.unshift(...surnames)
      cursor = previous
    }
    expect(backwards).toEqual(sorted)
  })

  it.each<[Record<string, string>, string, string]>([
    [{ 'surname[gte]': 'M' }, 'Makena', '王'],
    [{ 'surname[gte]': 'm' }, 'Makena', '王'],
    [{ 'surname[gt]': 'O', 'surname[lt]': 'P' }, 'O’Neil', 'Öz'],
    [{ 'surname[lte]': 'Ångström' }, '10 Downing Street', 'Ångström'],
    [{ 'surname[gt]': 'Item 2', 'surname[lt]': 'Item 11' }, 'item 2a', 'Item 10'],
    [{ 'name[gt]': 'Zeta' }, 'Zoë', '王'],
    [{ 'name[gte]': 'Zeta' }, 'Zeta', '王'],
  ])('the range %j is a part of that order', async (filter, first, last) => {
    const expected = sorted.slice(sorted.indexOf(first), sorted.indexOf(last) + 1)
    expect((await read({ ...filter, sort: 'surname' })).surnames).toEqual(expected)
  })

  it('an export has the same order', async () => {
    const body = { filter: { tag: 'sorted', sort: 'surname' }, fields: ['surname'], format: 'json' }
    const { headers } = await service.user.post('/v1/exports', body)
    const job = await eventually(async () => {
      const found = (await service.user.get(headers.get('location') as string)).body
      expect(found).toMatchObject({ status: 'succeeded' })
      return found
    })
    const { token } = await signedInAs('user')
    const file = await fetch(new URL(job.resultUrl, service.url), { headers: { authorization: `Bearer ${token}` } })
    const rows = (await file.json()) as { surname: string }[]
    expect(rows.map(({ surname }) => surname)).toEqual(sorted)
  })
})

const insert = `insert into customers (id, code, name, surname, search_text,
    created_at, created_by, created_by_name, updated_at, updated_by, updated_by_name)
  select gen_random_uuid(), next_customer_code(), surname, surname, '', now(), 'x', 'x', now(), 'x', 'x' from unnest($1::text[]) as surname`
const list = createCustomerList({ defaultCountry: undefined })

describe.each(['sv', 'en-u-va-posix'])('A database with the locale %s', (icuLocale) => {
  let database: TestDatabase
  let db: Db
  beforeAll(async () => {
    database = await testDatabase({ schema: 'customers', migrations, icuLocale })
    db = await connectDb(database.config, 'customers')
    await db.query(insert, [shuffled])
  }, 60_000)
  afterAll(async () => {
    await db?.close()
    await database?.drop()
  })

  const surnamesOf = ({ rows }: { rows: { surname: string | null }[] }) => rows.map(({ surname }) => surname)

  it('has another order of its own, but sorts, pages and compares names alike', async () => {
    const own = await db.query<{ surname: string }>('select surname from customers order by surname')
    expect(surnamesOf({ rows: own })).not.toEqual(sorted)
    expect(surnamesOf(await list.run(db, { sort: 'surname' }))).toEqual(sorted)
    const first = await list.run(db, { sort: 'name', limit: '12' })
    const second = await list.run(db, { cursor: String(first.page.nextCursor) })
    expect([...surnamesOf(first), ...surnamesOf(second)]).toEqual(sorted)
    expect(surnamesOf(await list.run(db, { 'surname[gt]': 'O', 'surname[lt]': 'P', sort: '-surname' }))).toEqual([
      'Öz',
      'O’Neil',
    ])
  })
})

describe('Names of twenty thousand customers', () => {
  beforeAll(async () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `Name ${(index * 7919) % 20_000}`)
    for (let first = 0; first < names.length; first += 5_000)
      await service.db.query(insert, [names.slice(first, first + 5_000)])
    await asOwner(service.database, 'vacuum analyze customers')
  }, 60_000)

  it.each<[string, string, Record<string, string>]>([
    ['surname', 'surname', { sort: 'surname' }],
    ['-name', 'name', { sort: '-name' }],
    ['surname, from M', 'surname', { sort: 'surname', 'surname[gte]': 'Name 15000' }],
    ['equal names', 'name', { name: 'Name 17' }],
  ])('a page with %s is read by the index of that order', async (_, column, query) => {
    const plans: string[] = []
    const { db } = service
    const explained = observeQueries(
      db,
      async (sql, values) => void plans.push((await explain(db, sql, values)).join('\n')),
    )
    const first = await list.run(explained, { ...query, limit: '5' })
    expect(plans.at(-1)).toMatch(new RegExp(`Index (Only )?Scan.* (using|on) customers_sorted_by_${column}`))
    if (first.page.nextCursor === null) return
    await list.run(explained, { ...query, limit: '5', cursor: first.page.nextCursor })
    expect(plans.at(-1)).toMatch(new RegExp(`customers_sorted_by_${column}[^\n]*\n *Index Cond: .*ROW`))
  })
})
