import { connectDb, type Db } from '@clientele/platform/data/db'
import { parseParameters } from '@clientele/platform/http/request-parsing'
import { integer, type ListOptions, list, number } from '@clientele/platform/lists/list'
import { asOwner, observeQueries, type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { sortLimitFor } from '../src/lists/sampled-size.ts'

type Thing = { id: number }
type Query = Record<string, string>

const options: ListOptions = {
  table: 'things',
  columns: ['id'],
  sort: ['id'],
  defaultSort: 'id',
  filter: { kind: integer() },
  search: 'search_text',
}
const things = list<Thing>(options)
/** A list with a column `total`, as that of orders. */
const sums = list<Thing>({ ...options, filter: { total: number() } })

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  await asOwner(
    database,
    `create table things (id integer primary key, kind integer not null, total numeric not null, search_text text not null);
     create index on things using gin (search_text gin_trgm_ops)`,
  )
  // 600 have `ana` as a word, 600 only inside a word.
  await db.query(`insert into things select n, n, n % 10, case when n <= 600 then 'ana' when n <= 1200 then 'joana' else 'berta' end
    from generate_series(1, 10001) n`)
  await asOwner(database, 'analyze things')
})
afterAll(async () => {
  await db?.close()
  await database?.drop()
})

const run = async (query: Query) => (await things.run(db, query)).page
/** Runs a query with a list that knows no sizes yet, and returns its page and its statements. */
const observe = async (query: Query, known = list<Thing>(options)) => {
  const statements: string[] = []
  const observed = observeQueries(db, (sql) => void statements.push(sql))
  return { ...(await known.run(observed, query)), statements }
}
const withoutSize = (statements: string[]) => statements.filter((sql) => !sql.includes('from pg_class'))

describe('Totals of lists', () => {
  it.each<[Query, object]>([
    [{ 'kind[lte]': '1000' }, { total: 1_000, totalRelation: 'eq' }],
    [{ 'kind[lte]': '1001' }, { total: 1_000, totalRelation: 'gte' }],
    [
      { 'kind[lte]': '1001', total: 'exact' },
      { total: 1_001, totalRelation: 'eq' },
    ],
    [
      { 'kind[lte]': '10000', total: 'exact' },
      { total: 10_000, totalRelation: 'eq' },
    ],
    [{ total: 'exact' }, { total: 10_000, totalRelation: 'gte' }],
    [
      { q: 'ana', 'kind[lte]': '1000' },
      { total: 1_000, totalRelation: 'eq' },
    ],
    [{ q: 'ana' }, { total: 1_000, totalRelation: 'gte' }],
    [
      { q: 'ana', total: 'exact' },
      { total: 1_200, totalRelation: 'eq' },
    ],
    [
      { q: 'ana', total: 'exact', sort: 'relevance' },
      { total: 1_200, totalRelation: 'eq' },
    ],
    [
      { q: 'berta', total: 'exact' },
      { total: 8_801, totalRelation: 'eq' },
    ],
    [
      { q: 'nobody', total: 'exact' },
      { total: 0, totalRelation: 'eq' },
    ],
  ])('the query %j has the total %j', async (query, total) => {
    expect(await run(query)).toMatchObject(total)
    expect(await run(query)).toMatchObject(total)
  })

  it.each<Query>([{}, { 'kind[lte]': '5' }, { q: 'ana' }, { q: 'ana', sort: 'relevance' }, { q: 'nobody' }])(
    'with total=none, the query %j has its rows and no total',
    async (query) => {
      const { rows, page } = await things.run(db, { ...query, total: 'none' })
      const counted = await things.run(db, query)
      expect(rows).toEqual(counted.rows)
      expect(Object.keys(page).sort()).toEqual(['limit', 'nextCursor', 'prevCursor'])
      expect(page.nextCursor === null).toBe(counted.page.nextCursor === null)
      const next = page.nextCursor && (await things.run(db, { cursor: page.nextCursor, ...query, total: 'none' }))
      if (next) expect(next.page).not.toHaveProperty('total')
    },
  )

  it('total=none counts nothing', async () => {
    const { statements } = await observe({ 'kind[lte]': '5', total: 'none' })
    expect(statements).toEqual([expect.not.stringContaining('count(')])
  })

  it.each<[Query, Query, object]>([
    [{}, {}, { total: 1_000, totalRelation: 'gte' }],
    [{ 'kind[lte]': '900' }, {}, { total: 900, totalRelation: 'eq' }],
    [{ 'kind[lte]': '900' }, { total: 'exact' }, { total: 900, totalRelation: 'eq' }],
    [{ 'kind[lte]': '5000', total: 'exact' }, {}, { total: 5_000, totalRelation: 'eq' }],
    [{ q: 'ana', sort: 'relevance', total: 'exact' }, { sort: 'relevance' }, { total: 1_200, totalRelation: 'eq' }],
  ])('the pages after that of %j have its total and are not counted, with %j', async (query, next, total) => {
    const { total: _total, ...filter } = query
    const first = await run({ ...query, limit: '3' })
    await db.query(`insert into things select -n, 1, 1, 'ana' from generate_series(1, 7) n`)
    try {
      const second = await observe({ ...filter, ...next, limit: '3', cursor: String(first.nextCursor) })
      expect(second.page).toMatchObject(total)
      if (!('q' in filter)) expect(second.statements).toEqual([expect.not.stringContaining('count(')])
      const back = await run({ ...filter, ...next, limit: '3', cursor: String(second.page.prevCursor) })
      expect(back).toMatchObject(total)
      expect(await run({ ...filter, total: 'none', cursor: String(first.nextCursor) })).not.toHaveProperty('total')
    } finally {
      await db.query('delete from things where id < 0')
    }
  })

  it('a page is counted if its cursor does not say enough', async () => {
    const first = await run({ 'kind[lte]': '5000' })
    const exact = await run({ 'kind[lte]': '5000', total: 'exact', cursor: String(first.nextCursor) })
    expect(exact).toMatchObject({ total: 5_000, totalRelation: 'eq' })
    const uncounted = await run({ 'kind[lte]': '500', total: 'none' })
    const counted = await run({ 'kind[lte]': '500', cursor: String(uncounted.nextCursor) })
    expect(counted).toMatchObject({ total: 500, totalRelation: 'eq' })
  })

  it('a cursor of a former release has no total, so its page is counted', async () => {
    const cursor = Buffer.from(JSON.stringify(['id', 0, '17'])).toString('base64url')
    const { rows, page } = await things.run(db, { 'kind[lte]': '500', limit: '2', cursor })
    expect(rows.map(({ id }) => id)).toEqual([18, 19])
    expect(page).toMatchObject({ total: 500, totalRelation: 'eq' })
  })

  it('a cursor has its total where anybody can read it, after the direction', async () => {
    const { nextCursor } = await run({ 'kind[lte]': '500', limit: '2' })
    const parts: unknown = JSON.parse(Buffer.from(String(nextCursor), 'base64url').toString())
    expect(parts).toEqual(['id', 0, [500, 'eq'], '2'])
  })
})

describe('The statements of a list', () => {
  it.each<[Query, number]>([
    [{}, 1],
    [{ 'kind[lte]': '5' }, 1],
    [{ q: 'joana' }, 1],
    [{ q: 'berta' }, 1],
    [{ q: 'nobody' }, 1],
    [{ q: 'joana', sort: 'relevance' }, 1],
    [{ q: 'nobody', sort: 'relevance' }, 1],
  ])('the page and the total of the query %j are read by %d', async (query, count) => {
    const { statements } = await observe(query)
    expect(withoutSize(statements)).toHaveLength(count)
  })

  it('a search collects its rows once', async () => {
    for (const sort of ['id', 'relevance']) {
      const { statements } = await observe({ q: 'joana', sort })
      const [sql = ''] = withoutSize(statements)
      expect(sql.match(/matched as materialized/g)).toHaveLength(1)
    }
  })

  it('the tiers of a large search are read until the page is full', async () => {
    const { statements, rows } = await observe({ q: 'berta', sort: 'relevance' })
    expect(rows.map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, index) => 1_201 + index))
    expect(withoutSize(statements)).toHaveLength(2)
  })

  it.each([
    [-1, 10_000],
    [0, 1_000],
    [9_999, 1_000],
    [50_000, 5_000],
    [1_000_000, 10_000],
  ])('of a table with %d rows, up to %d matching rows are sorted', (rows, limit) =>
    expect(sortLimitFor(rows)).toBe(limit),
  )
})

describe('A list with a filter named total', () => {
  const runSums = (query: Query) => sums.run(db, query)

  it('has both the filter and the parameter', async () => {
    expect((await runSums({ total: '7' })).rows[0]).toEqual({ id: 7 })
    expect((await runSums({ total: '7' })).page).toMatchObject({ total: 1_000, totalRelation: 'eq' })
    expect((await runSums({ total: 'none' })).page).not.toHaveProperty('total')
    const both = await runSums({ 'total[gte]': '5', total: 'exact' })
    expect(both.page).toMatchObject({ total: 5_000, totalRelation: 'eq' })
  })

  it.each([
    [things, 'must be exact or none'],
    [sums, 'must be a number, or exact or none'],
  ])('%# refuses another value with those that are allowed', async (of, message) => {
    const refused = of.run(db, { total: 'all' })
    await expect(refused).rejects.toMatchObject({ status: 400, options: { errors: [{ parameter: 'total', message }] } })
  })

  it('a selection has only the filter', () => {
    expect(() => parseParameters(sums.selection, { total: '7' })).not.toThrow()
    for (const [of, value] of [
      [sums, 'exact'],
      [things, 'none'],
    ] as const)
      expect(() => parseParameters(of.selection, { total: value })).toThrow()
  })
})
