import { connectDb, type Db } from '@clientele/platform/data/db'
import { arrayHas, list, text } from '@clientele/platform/lists/list'
import { asOwner, type TestDatabase, testDatabase } from '@clientele/platform/testing/database'

type Thing = { id: number; surname: string | null }

const things = list<Thing>({
  table: 'things',
  columns: ['id', 'surname'],
  sort: ['id', 'surname'],
  defaultSort: '-id',
  filter: { surname: text(), tag: arrayHas('tags') },
  search: 'search_text',
  where: 'not deleted',
})

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  await asOwner(
    database,
    `create table things (id integer primary key, surname text, tags text[] not null, search_text text not null,
    deleted boolean not null default false)`,
  )
  await db.query(`insert into things select n, case when n % 5 > 0 then 'S' || n % 3 end, array['all', 't' || n % 5000],
    'common shop-' || n || case when n % 4000 = 1 then ' rare 王小明' else '' end from generate_series(1, 14000) n`)
})
afterAll(async () => {
  await db?.close()
  await database?.drop()
})

const ids = async (where: string, order: string, limit: number) =>
  (await db.query<{ id: number }>(`select id from things where ${where} order by ${order} limit ${limit}`)).map(
    ({ id }) => id,
  )

/** The ids of the first `pages` pages, read by cursor. */
const readPages = async (query: Record<string, string>, pages: number, limit = '20'): Promise<number[]> => {
  const seen: number[] = []
  let cursor: string | null = null
  for (let page = 0; page < pages; page += 1) {
    const found = await things.run(db, { ...query, limit, ...(cursor !== null && { cursor }) })
    seen.push(...found.rows.map(({ id }) => id))
    cursor = found.page.nextCursor
  }
  return seen
}

describe('Lists of more than 10,000 rows', () => {
  it.each<Record<string, string>>([
    { q: 'common' },
    { tag: 'all' },
    { q: 'common', tag: 'all' },
    { q: 'shop-', 'surname[startsWith]': 's' },
  ])(
    'the query %j has a total of at least 1,000, and with total=exact of 10,000, and its pages are in order',
    async (query) => {
      const where = 'surname[startsWith]' in query ? 'surname is not null' : 'true'
      const expectedIds = (order: string) => ids(where, order, 60)
      expect((await things.run(db, query)).page).toMatchObject({ total: 1_000, totalRelation: 'gte' })
      const exact = await things.run(db, { ...query, total: 'exact' })
      expect(exact.page).toMatchObject({ total: 10_000, totalRelation: 'gte' })
      expect(await readPages(query, 3)).toEqual(await expectedIds('id desc'))
      expect(await readPages({ ...query, sort: '-surname' }, 3)).toEqual(await expectedIds('surname desc, id desc'))
    },
  )

  it('prevCursor returns to the page before', async () => {
    const second = await things.run(db, { q: 'common', limit: '20', offset: '20' })
    const back = await things.run(db, { q: 'common', limit: '20', cursor: second.page.prevCursor ?? '' })
    expect(back.rows.map(({ id }) => id)).toEqual(await ids('true', 'id desc', 20))
  })

  it.each([
    [{ q: 'rare' }, [12_001, 8001, 4001, 1]],
    [{ q: 'common rare' }, [12_001, 8001, 4001, 1]],
    [{ tag: 't1' }, [10_001, 5_001, 1]],
    [{ q: 'shop-4001' }, [4001]],
    [{ q: 'nothing of it' }, []],
  ])('the query %j returns its few rows and their exact total', async (query, expected) => {
    const { rows, page } = await things.run(db, query)
    expect(rows.map(({ id }) => id)).toEqual(expected)
    expect(page).toMatchObject({ total: expected.length, totalRelation: 'eq' })
    expect(await readPages(query, Math.max(1, expected.length), '1')).toEqual(expected)
  })

  it('q finds one or two letters at the beginning of a word, and anywhere in scripts without spaces', async () => {
    expect(await readPages({ q: 'ra' }, 1)).toEqual([12_001, 8001, 4001, 1])
    expect(await readPages({ q: 'c' }, 1)).toEqual(await ids('true', 'id desc', 20))
    expect(await readPages({ q: 'ar' }, 1)).toEqual([])
    expect(await readPages({ q: '小' }, 1)).toEqual([12_001, 8001, 4001, 1])
  })

  it('a list has an exact total again when its first page is not full', async () => {
    expect((await things.run(db, { tag: 'all' })).page.totalRelation).toBe('gte')
    await db.query('update things set deleted = true where id > 5')
    const { rows, page } = await things.run(db, { tag: 'all' })
    expect(rows).toHaveLength(5)
    expect(page).toMatchObject({ total: 5, totalRelation: 'eq' })
  })
})
