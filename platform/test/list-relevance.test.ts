import { connectDb, type Db } from '@clientele/platform/data/db'
import { integer, type ListOptions, list } from '@clientele/platform/lists/list'
import { asOwner, observeQueries, type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { boundFrom } from '../src/lists/sampled-size.ts'

type Thing = { id: number; text: string }

const options: ListOptions = {
  table: 'things',
  columns: { id: 'id', text: 'search_text' },
  sort: ['id'],
  defaultSort: '-id',
  filter: { kind: integer() },
  search: 'search_text',
  lookup: (text) => (/^code-\d+$/.test(text) ? [(bind) => `code = ${bind(text)}`] : []),
  where: 'not deleted',
}
const things = list<Thing>(options)

const texts = [
  'banana',
  'ana',
  'lovelace ana',
  'ana maria',
  'maria anabel',
  'joana ana-maria',
  'anatol ana berg',
  '100% pure_ana',
  'diana mariana',
  'maria',
  'ma ri a',
  'code-7 anna',
  'code-77 anna',
]

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  await asOwner(
    database,
    `create table things (id integer primary key, kind integer not null, code text, search_text text not null,
    filler text, deleted boolean not null default false);
    create index on things using gin (search_text gin_trgm_ops);
    create unique index on things (code)`,
  )
  await db.query(
    `insert into things select n, n % 2, substring(text from 'code-\\d+'), text from unnest($1::text[]) with ordinality as rows (text, n)`,
    [texts],
  )
})
afterAll(async () => {
  await db?.close()
  await database?.drop()
})

/** The ids of the matching rows, best first, computed without an index. */
const expectedIds = (q: string): number[] => {
  const words = q.split(' ')
  const tierOf = (text: string): number => {
    const parts = text.split(' ')
    if (words.every((word) => parts.includes(word))) return 0
    return words.every((word) => parts.some((part) => part.startsWith(word))) ? 1 : 2
  }
  return texts
    .map((text, index) => ({ id: index + 1, text, tier: tierOf(text) }))
    .filter(({ text, tier }) => words.every((word) => (word.length < 3 ? tier < 2 : text.includes(word))))
    .sort((a, b) => a.tier - b.tier || b.id - a.id)
    .map(({ id }) => id)
}
const idsOf = ({ rows }: { rows: Thing[] }) => rows.map(({ id }) => id)

describe('sort=relevance', () => {
  it.each(['ana', 'maria', 'ana maria', 'an', 'ma a', '100%', 'pure_ana', 'nothing'])(
    'q=%s lists whole words first, then beginnings of words, then the others, each newest first',
    async (q) => {
      const { rows, page } = await things.run(db, { q, sort: 'relevance' })
      expect(idsOf({ rows })).toEqual(expectedIds(q))
      const { page: plain } = await things.run(db, { q })
      expect(page).toEqual(plain)
    },
  )

  it.each(['1', '2', '3', '100'])('pages of %s rows have each row once, forwards and backwards', async (limit) => {
    const expected = expectedIds('ana')
    const forwards: number[] = []
    let cursor: string | null = null
    let last = await things.run(db, { q: 'ana', sort: 'relevance', limit })
    for (;;) {
      forwards.push(...idsOf(last))
      expect(last.page).toMatchObject({ total: expected.length, totalRelation: 'eq' })
      cursor = last.page.nextCursor
      if (cursor === null) break
      last = await things.run(db, { q: 'ana', limit, cursor })
    }
    expect(forwards).toEqual(expected)
    const backwards = [...idsOf(last)]
    for (let previous = last.page.prevCursor; previous !== null; ) {
      const before = await things.run(db, { q: 'ana', sort: 'relevance', limit, cursor: previous })
      backwards.unshift(...idsOf(before))
      previous = before.page.prevCursor
    }
    expect(backwards).toEqual(expected)
  })

  it('filters apply, and a selection of all rows has the same order', async () => {
    const { rows } = await things.run(db, { q: 'ana', kind: '0', sort: 'relevance' })
    expect(idsOf({ rows })).toEqual(expectedIds('ana').filter((id) => id % 2 === 0))
    const { sql, values } = things.selectAll({ q: 'ana', sort: 'relevance' })
    expect((await db.query<Thing>(sql, values)).map(({ id }) => id)).toEqual(expectedIds('ana'))
  })

  it.each<[string, Record<string, string>]>([
    ['sort', { sort: 'relevance' }],
    ['sort', { sort: 'relevance', q: ' ' }],
    ['sort', { sort: 'relevance', q: 'ana', offset: '10' }],
    ['sort', { sort: 'relevance,id', q: 'ana' }],
    ['sort', { sort: '-relevance', q: 'ana' }],
  ])('the parameter %s of the query %j is a 400', async (parameter, query) => {
    await expect(things.run(db, query)).rejects.toMatchObject({ status: 400, options: { errors: [{ parameter }] } })
  })

  it.each([['7', '1'], ['1'], ['0', '1', '2'], ['x', '1']])(
    'a cursor with the forged values %j and %j is a 400',
    async (...values) => {
      const cursor = Buffer.from(JSON.stringify(['relevance', 0, ...values])).toString('base64url')
      await expect(things.run(db, { q: 'ana', cursor })).rejects.toMatchObject({ status: 400 })
    },
  )
})

describe('q that is a unique value', () => {
  it('q finds only the row that has it, in pages and in selections of all rows', async () => {
    for (const query of [{ q: 'code-7' }, { q: ' code-7 ', sort: 'relevance' }])
      expect(idsOf(await things.run(db, query))).toEqual([12])
    const { sql, values } = things.selectAll({ q: 'code-7' })
    expect((await db.query<Thing>(sql, values)).map(({ id }) => id)).toEqual([12])
  })

  it('q finds the rows that contain it if none has it', async () => {
    await db.query('update things set code = null where id = 12')
    const found = [13, 12]
    expect(idsOf(await things.run(db, { q: 'code-7' }))).toEqual(found)
    const { sql, values } = things.selectAll({ q: 'code-7', sort: '-id' })
    expect((await db.query<Thing>(sql, values)).map(({ id }) => id)).toEqual(found)
  })

  it('q does not find a row in the trash by its unique value', async () => {
    await db.query('update things set deleted = true where id = 13')
    expect(idsOf(await things.run(db, { q: 'code-77' }))).toEqual([])
    await db.query('update things set deleted = false where id = 13')
  })
})

describe('Totals of large tables', () => {
  beforeAll(async () => {
    // One row in two has the word `common`, one in fifty `often`, and 900 rows that lie together `clustered`.
    await db.query(`insert into things select n, n % 2, null, concat_ws(' ', 'row', case when n % 2 = 0 then 'common' end,
        case when n % 50 = 0 then 'often' end, case when n between 200001 and 200900 then 'clustered' end), repeat('x', 200)
      from generate_series(100001, 300000) n`)
    await asOwner(database, 'vacuum analyze things')
  }, 120_000)

  it.each([
    ['common', { total: 1_000, totalRelation: 'gte' }],
    ['often', { total: 1_000, totalRelation: 'gte' }],
    ['clustered', { total: 900, totalRelation: 'eq' }],
  ])('q=%s has the total %j', async (q, page) => {
    const large = list<Thing>(options)
    const statements: string[] = []
    const observed = observeQueries(db, (sql) => void statements.push(sql))
    for (const sort of ['-id', 'relevance', 'id']) {
      const { rows, page: found } = await large.run(observed, { q, sort })
      expect(found).toMatchObject(page)
      expect(rows).toHaveLength(50)
      expect(rows.every(({ text }) => text.includes(q))).toBe(true)
    }
    expect(statements.some((sql) => sql.includes('as matched') || sql.includes('matched as'))).toBe(
      page.totalRelation === 'eq',
    )
  })

  it.each([
    [0, 50_000, undefined],
    [1, 2_000, undefined],
    [5, 50_000, undefined],
    [200, 2_000, 1_000],
    [100, 50_000, 10_000],
    [40, 50_000, 1_000],
  ])('%d of 200 sampled pages of a table with %d pages mean a lower bound of %j', (hit, pages, bound) =>
    expect(boundFrom(hit, pages)).toBe(bound),
  )
})
