import { connectDb, type Db } from '@clientele/platform/data/db'
import { list } from '@clientele/platform/lists/list'
import { searchTextOf } from '@clientele/platform/lists/words/fold-text'
import { asOwner, observeQueries, type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'

type Thing = { id: number; name: string }

const things = list<Thing>({
  table: 'things',
  columns: ['id', 'name'],
  sort: ['id'],
  defaultSort: 'id',
  search: 'search_text',
  similarNames: ['name', 'surname'],
  where: 'not deleted',
})

const rows: [name: string, surname: string][] = [
  ['Ada', 'Lovelace'],
  ['Ana', 'Lovelace'],
  ['Adam', 'Lovelock'],
  ['Łukasz', 'O’Neill'],
  ['Susanna', 'Berg'],
  ['Anna', 'Bergström'],
]

let database: TestDatabase
let db: Db
const insert = (name: string, surname: string, deleted = false) =>
  db.query('insert into things (name, surname, search_text, deleted) values ($1, $2, $3, $4)', [
    name,
    surname,
    searchTextOf([name, surname, 'someone@example.com']),
    deleted,
  ])
beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  await asOwner(
    database,
    `create table things (id integer generated always as identity primary key, name text not null, surname text not null,
       search_text text not null, deleted boolean not null);
     create index on things using gin (search_text gin_trgm_ops)`,
  )
  for (const [name, surname] of rows) await insert(name, surname)
  await insert('Deleted', 'Zebulon', true)
})
afterAll(async () => {
  await db?.close()
  await database?.drop()
})

const find = async (query: Record<string, string>) => {
  const { rows: found, page } = await things.run(db, query)
  return { names: found.map(({ name }) => name), matchedBy: page.matchedBy, total: page.total }
}

describe('A q that finds nothing', () => {
  it.each([
    ['lovelase', ['Ada', 'Ana']],
    ['ada lovelaec', ['Ada']],
    ['lukazs', ['Łukasz']],
    ["Lukasz O'Neil", ['Łukasz']],
    ['Łukas O’Niell', ['Łukasz']],
    ['amna', ['Ana', 'Anna']],
    ['lovelace anna', ['Ana']],
    ['annna bergstrom', ['Anna']],
  ])('q=%s is searched with one typing error in each word', async (q, expected) => {
    const similar = q.startsWith('Lukasz') ? undefined : 'similar'
    expect(await find({ q })).toEqual({ names: expected, matchedBy: similar, total: expected.length })
    expect((await find({ q, sort: 'relevance' })).names).toEqual(expected)
  })

  it.each(['lovelasse', 'xyzzyq', 'zebulom', 'adx', 'someome@example.com', 'lovelase 12', '%%%%'])(
    'q=%s stays without a match',
    async (q) => expect(await find({ q })).toEqual({ names: [], matchedBy: undefined, total: 0 }),
  )

  it('a q that finds something is searched as it is', async () => {
    expect(await find({ q: 'anna' })).toEqual({ names: ['Susanna', 'Anna'], matchedBy: undefined, total: 2 })
  })

  it('pages by cursor continue among the similar rows', async () => {
    const first = await things.run(db, { q: 'lovelase', limit: '1' })
    const second = await things.run(db, { q: 'lovelase', limit: '1', cursor: String(first.page.nextCursor) })
    expect([first, second].map(({ rows: [row], page }) => [row?.name, page.matchedBy])).toEqual([
      ['Ada', 'similar'],
      ['Ana', 'similar'],
    ])
    expect(second.page.nextCursor).toBeNull()
    expect(second.page).toMatchObject({ total: 2, totalRelation: 'eq' })
    const uncounted = await things.run(db, { q: 'lovelase', limit: '1', total: 'none' })
    expect(uncounted.rows).toEqual(first.rows)
    expect(uncounted.page).toEqual({ limit: 1, prevCursor: null, nextCursor: expect.any(String), matchedBy: 'similar' })
  })

  it('a selection of all rows has no similar rows', async () => {
    const { sql, values } = things.selectAll({ q: 'lovelase' })
    expect(await db.query(sql, values)).toEqual([])
  })

  it('a new name is known after a moment', async () => {
    await insert('Wilhelmina', 'Quartermain')
    await eventually(async () => expect((await find({ q: 'quartermane' })).names).toEqual([]))
    await eventually(async () => expect((await find({ q: 'quartermaim' })).names).toEqual(['Wilhelmina']))
  })

  it('the names are read once for many searches, and a failure fails no search', async () => {
    const statements: string[] = []
    const observed = observeQueries(db, (sql) => {
      if (!sql.startsWith('select distinct word')) return
      statements.push(sql)
      throw new Error('canceling statement due to statement timeout')
    })
    for (let times = 0; times < 3; times++)
      expect((await things.run(observed, { q: 'lovelase' })).page).toMatchObject({ total: 0 })
    expect(statements).toHaveLength(1)
  })
})
