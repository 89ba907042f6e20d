import { asOwner, observeQueries } from '@clientele/platform/testing/database'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { productList } from '../src/products/product.list.ts'
import { countLowStock } from '../src/stock/low-stock.ts'
import { type Running, startOrders } from './start.ts'

type Row = { id: string; name: string }

let service: Running
beforeAll(async () => {
  service = await startOrders()
})
afterAll(() => service?.stop())

const names = async (query: string): Promise<string[]> => {
  const { status, body } = await service.user.get(`/v1/products?${query}`)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.data.map(({ name }: Row) => name)
}

describe('GET /v1/products', () => {
  beforeAll(async () => {
    const rows = [
      { name: 'Red Bull 250 ml', sku: 'RB-250', price: '1.99', stock: '0', lowStockAt: 0 },
      { name: 'yellow shoe', sku: 'YS-1', price: '5.30', stock: '12' },
      { name: 'Yellow hat', price: '5.31', stock: 100, lowStockAt: 5 },
      { name: 'Crème brûlée', sku: 'yellow-9', price: 3, stock: 7, lowStockAt: 10, active: false },
    ]
    for (const row of rows) await service.user.post('/v1/products', row)
    await service.admin.post('/v1/products', { name: 'of the admin', price: 100, stock: 3 })
  })

  it.each([
    ['max_price=5.3&keyword=yellow', ['Crème brûlée', 'yellow shoe']],
    ['price[lte]=5.3&q=yellow', ['Crème brûlée', 'yellow shoe']],
    ['keyword=YELLOW', ['Crème brûlée', 'Yellow hat', 'yellow shoe']],
    ['keyword=yellow&sort=relevance', ['Yellow hat', 'yellow shoe', 'Crème brûlée']],
    ['keyword=redbull', []],
    ['keyword=bull%20red', ['Red Bull 250 ml']],
    ['q=creme%20brulee', ['Crème brûlée']],
    ['q=rb-250', ['Red Bull 250 ml']],
    ['max_price=1.99', ['Red Bull 250 ml']],
    ['price=5.3', ['yellow shoe']],
    ['price[gt]=5.3&price[lt]=100', ['Yellow hat']],
    ['sku=RB-250,YS-1', ['yellow shoe', 'Red Bull 250 ml']],
    ['sku[startsWith]=rb', ['Red Bull 250 ml']],
    ['sku[exists]=false', ['of the admin', 'Yellow hat']],
    ['name[contains]=ow%20s', ['yellow shoe']],
    ['stock[gt]=7&stock[lte]=100', ['Yellow hat', 'yellow shoe']],
    ['stock=0', ['Red Bull 250 ml']],
    ['low=true', ['Crème brûlée', 'Red Bull 250 ml']],
    ['low=true&active=true', ['Red Bull 250 ml']],
    ['sku[lte]=RB-250', ['Red Bull 250 ml']],
    ['sku[gt]=RB-250&active=true', ['yellow shoe']],
    ['name[gte]=Red&name[lt]=Ree', ['Red Bull 250 ml']],
    ['active=false', ['Crème brûlée']],
    ['active=true&max_price=2', ['Red Bull 250 ml']],
    ['createdBy[ne]=me', ['of the admin']],
    ['createdAt[lt]=2020-01-01', []],
    ['updatedAt[gte]=2020-01-01&stock=3', ['of the admin']],
    ['sort=price&limit=2', ['Red Bull 250 ml', 'Crème brûlée']],
    ['sort=-stock&limit=1', ['Yellow hat']],
    ['sort=sku&limit=2', ['Red Bull 250 ml', 'Crème brûlée']],
    ['sort=-sku&limit=1', ['of the admin']],
  ])('the query %s finds %j', async (query, expected) => expect(await names(query)).toEqual(expected))

  it('limit=5&offset=5 returns the second five products', async () => {
    for (let index = 0; index < 7; index += 1)
      await service.user.post('/v1/products', { name: `paged ${index}`, price: '2.2', stock: '100' })
    const first = await names('limit=10&offset=0')
    const { body } = await service.user.get('/v1/products?limit=5&offset=5')
    expect(body.data.map(({ name }: Row) => name)).toEqual(first.slice(5))
    expect(body.page).toMatchObject({ limit: 5, total: 12, totalRelation: 'eq', nextCursor: expect.any(String) })
  })

  it.each(['createdAt', '-updatedAt', 'name', '-price', 'stock,-name', 'sku', '-sku'])(
    'paging by cursor with sort=%s returns each product once',
    async (sort) => {
      const seen: string[] = []
      let query: string | null = `limit=5&sort=${sort}`
      while (query !== null) {
        const { body } = await service.user.get(`/v1/products?${query}`)
        seen.push(...body.data.map(({ id }: Row) => id))
        query = body.page.nextCursor && `limit=5&cursor=${body.page.nextCursor}`
      }
      expect([new Set(seen).size, seen.length]).toEqual([12, 12])
    },
  )

  it.each([
    'keywords=yellow',
    'max_price=cheap',
    'max_price=5&price[lte]=5',
    'stock=1.5',
    'active=yes',
    'low=false',
    'low[ne]=true',
    'price[contains]=1',
    'sort=description',
    'limit=201',
    'offset=10001',
  ])('the query %s returns 400', async (query) =>
    expect((await service.user.get(`/v1/products?${query}`)).status).toBe(400),
  )

  it.each(['q', 'keyword', 'max_price', 'sku', 'name[contains]', 'stock[gt]', 'active', 'createdBy', 'sort', 'cursor'])(
    'any value of the parameter %s is treated as data',
    async (parameter) => {
      for (const value of ["'", '%', '\\', "' or '1'='1", '1; drop table products', '\u{1f4a9}', 'x'.repeat(5_000)]) {
        const { status } = await service.user.get(`/v1/products?${parameter}=${encodeURIComponent(value)}`)
        expect([200, 400]).toContain(status)
      }
    },
  )
})

describe('GET /v1/products by name', () => {
  const sorted = [
    'Ångström lamp',
    'apple',
    'Apple',
    'Item 2',
    'item 3',
    'Item 10',
    'Łódź mug',
    'O’Brien’s mug, blue',
    'Zebra',
  ]
  let own: Running
  beforeAll(async () => {
    own = await startOrders()
    for (const [index, name] of sorted.toReversed().entries())
      await own.user.post('/v1/products', { name, price: 1, sku: `S-${sorted.length - index + 2}` })
  })
  afterAll(() => own?.stop())

  const listed = async (query: Record<string, string>) => {
    const { status, body } = await own.user.get(`/v1/products?${new URLSearchParams(query)}`)
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
    return body.data.map(({ name }: Row) => name)
  }

  it('names and SKUs are in the order that people expect, in pages and ranges too', async () => {
    expect(await listed({ sort: 'name' })).toEqual(sorted)
    expect(await listed({ sort: '-name' })).toEqual(sorted.toReversed())
    expect(await listed({ sort: 'sku' })).toEqual(sorted)
    const { body } = await own.user.get('/v1/products?sort=name&limit=4')
    expect(await listed({ cursor: body.page.nextCursor })).toEqual(sorted.slice(4))
    expect(await listed({ 'name[gte]': 'item 3', 'name[lt]': 'O', sort: 'name' })).toEqual(sorted.slice(4, 7))
    expect(await listed({ 'sku[gt]': 'S-9', sort: 'sku' })).toEqual(sorted.slice(7))
  })

  it('q finds products by the letters that people type, also those that an earlier release has stored', async () => {
    const queries = {
      'lodz mug': 'Łódź mug',
      "o'brien's": 'O’Brien’s mug, blue',
      'blue, obriens': 'O’Brien’s mug, blue',
    }
    for (const [q, name] of Object.entries(queries)) expect([q, await listed({ q })]).toEqual([q, [name]])
    await own.db.query(
      `update products set search_text = case name when 'Łódź mug' then 'łodz mug' else lower(name) end`,
    )
    for (const [q, name] of Object.entries(queries))
      await eventually(async () => expect([q, await listed({ q })]).toEqual([q, [name]]))
  })
})

type Plan = {
  'Node Type': string
  'Relation Name'?: string
  'Index Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  Plans?: Plan[]
}
/** The scans of `products` in an executed plan, with the number of rows that each read. */
const scansOf = (plan: Plan): { node: string; rows: number }[] => {
  const below = (plan.Plans ?? []).flatMap(scansOf)
  if (plan['Relation Name'] !== 'products' || plan['Actual Loops'] === 0) return below
  const removed = (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Index Recheck'] ?? 0)
  const rows = (plan['Actual Rows'] + removed) * plan['Actual Loops']
  return [{ node: `${plan['Node Type']} ${plan['Index Name'] ?? ''}`, rows }, ...below]
}

describe('GET /v1/products with 100,000 products', () => {
  const productCount = 100_000
  // A list counts up to 10,000 rows. If every second row matches, the scan for that reads twice as many.
  const maxRows = 25_000
  beforeAll(async () => {
    const fill = `insert into products (id, sku, name, price, currency, stock, active, search_text,
        created_at, created_by, created_by_name, updated_at, updated_by, updated_by_name, archived_at)
      select gen_random_uuid(), 'BULK-' || n, words || ' ' || n, (n * 7919::bigint % 100000) / 100.0, 'EUR', n * 104729::bigint % 5000,
        n % 500 <> 0, lower(words || ' ' || n || ' bulk-' || n), moment, person, 'x', moment + interval '1 day', person, 'x',
        case when n % 1000 = 1 then now() end
      from (select n, case when n % 50 = 0 then 'Yellow' else 'Red' end || case when n % 7 = 0 then ' shoe' else ' hat' end as words,
        case when n % 2000 = 0 then $3 else 'user-' || n % 3 end as person,
        timestamptz '2025-01-01' + make_interval(mins => n) as moment from generate_series($1::int, $2::int) n) made`
    const { id } = await signedInAs('user')
    for (let from = 1; from <= productCount; from += 10_000) await service.db.query(fill, [from, from + 9_999, id])
    await asOwner(service.database, 'vacuum analyze products')
  }, 120_000)

  /** The scans that a statement runs. */
  const scansBy = async (sql: string, values: unknown[] = []) => {
    const explain = `explain (analyze, timing off, format json) ${sql}`
    const [response] = await service.db.query<{ 'QUERY PLAN': { Plan: Plan }[] }>(explain, values)
    return scansOf(response?.['QUERY PLAN'][0]?.Plan as Plan)
  }
  /** The scans that the statement of a query runs. */
  const scans = async (query: string) => {
    const { id } = await signedInAs('user')
    const found: { node: string; rows: number }[] = []
    const explained = observeQueries(service.db, async (sql, values) => {
      // The words of all names are read now and then, and not for each query.
      if (!sql.startsWith('select distinct word')) found.push(...(await scansBy(sql, values)))
    })
    await productList.run(explained, Object.fromEntries(new URLSearchParams(query)), { actor: { id } })
    return found
  }

  it.each([
    'limit=5&offset=5',
    'max_price=5.3&keyword=yellow',
    ...['createdAt', 'updatedAt', 'name', 'price', 'stock', 'sku'].flatMap((sort) => [`sort=${sort}`, `sort=-${sort}`]),
    'max_price=5.3',
    'max_price=500',
    'max_price=0.05&sort=name',
    'price[gte]=999.9',
    'sku=BULK-4711',
    'sku[startsWith]=bulk-471',
    'name[contains]=4711',
    'q=shoe',
    'q=yellow%20shoe&sort=price',
    'q=nothing%20of%20it',
    'stock[gt]=4998',
    'name[gte]=Yellow&sort=name',
    'name[lt]=Red%20hat%202&sort=-name',
    'sku[gte]=BULK-99000',
    'sku[lt]=BULK-1000&sort=-sku',
    'stock=17',
    'stock[lte]=1&sort=-stock',
    'active=false',
    'active=true&sort=name',
    'createdBy=me',
    'createdAt[gte]=2025-03-01&createdAt[lt]=2025-03-02',
    'updatedAt[gte]=2025-03-10',
    'updatedAt[lt]=2025-01-10',
    'deletedAt[exists]=true',
  ])('the query %s reads only a part of the table', async (query) => {
    const read = await scans(query)
    expect(read.length).toBeGreaterThan(0)
    expect(read.filter(({ rows }) => rows > maxRows)).toEqual([])
  })

  it.each(['createdAt', '-updatedAt', 'name', '-price', 'stock', '-sku'])(
    'a deep page with sort=%s is read by the index of its column',
    async (sort) => {
      const { body } = await service.user.get(`/v1/products?sort=${sort}&offset=10000&limit=50`)
      const read = await scans(`cursor=${body.page.nextCursor}&limit=50`)
      const column = sort.replace('-', '').replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`)
      const index = ['name', 'sku'].includes(column) ? `products_sorted_by_${column}` : `products_by_${column}`
      const page = read.find(({ node }) => node.endsWith(index))
      expect(page).toMatchObject({ rows: 51 })
    },
  )

  it('counting the products that are low on stock reads few others', async () => {
    await service.db.query("update products set low_stock_at = 100 where sku like 'BULK-%' and stock < 200")
    await asOwner(service.database, 'analyze products')
    const [row] = await service.db.query<{ count: number }>(countLowStock)
    expect(row?.count).toBeGreaterThan(1_000)
    const read = await scansBy(countLowStock)
    expect(read).toHaveLength(1)
    expect(read[0]?.rows).toBeLessThan(Number(row?.count) * 1.1)
  })

  it.each(['low=true', 'low=true&sort=name', 'low=true&active=true&sort=-stock'])(
    'the query %s reads only the products that are low on stock',
    async (query) => {
      const [low] = await service.db.query<{ count: number }>(
        'select count(*)::int from products where stock <= low_stock_at and archived_at is null',
      )
      const read = await scans(query)
      expect(read).not.toEqual([])
      for (const { rows } of read) expect(rows).toBeLessThanOrEqual(low?.count ?? 0)
    },
  )
})
