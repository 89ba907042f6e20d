import type { Db } from '@clientele/platform/data/db'
import { parseParameters } from '@clientele/platform/http/request-parsing'
import { columnBefore, list, requiresField, time } from '@clientele/platform/lists/list'
import { foldText } from '@clientele/platform/lists/words/fold-text'
import { Problem } from '@clientele/platform/runtime/problem'
import { asOwner, explain, observeQueries } from '@clientele/platform/testing/database'
import { people, rowCount, startPeople } from './people.ts'

type Started = Awaited<ReturnType<typeof startPeople>>
let db: Db
let database: Started['database']
let run: Started['run']
let stop: Started['stop'] | undefined
beforeAll(async () => {
  ;({ db, database, run, stop } = await startPeople())
})
afterAll(() => stop?.())

const total = async (query: Record<string, string>) => (await run(query)).page.total
const problemOf = async (query: Record<string, string>): Promise<Problem> => {
  const thrown: unknown = await run(query).then(
    () => undefined,
    (error) => error,
  )
  if (!(thrown instanceof Problem)) throw new Error(`no problem for ${JSON.stringify(query)}: ${String(thrown)}`)
  return thrown
}

describe('Paging of lists', () => {
  it.each([
    'createdAt',
    '-createdAt',
    'surname',
    '-surname',
    'surname,-createdAt',
    '-surname,price,code',
    'price,-surname',
    '-price,-surname',
  ])('the pages of sort=%s contain each row exactly once, forwards and backwards', async (sort) => {
    const forward: string[] = []
    let cursor: string | null = null
    let lastPage: string | null = null
    do {
      const page: Awaited<ReturnType<typeof run>> = await run({
        sort,
        limit: '190',
        ...(cursor !== null && { cursor }),
      })
      forward.push(...page.rows.map(({ id }) => id))
      cursor = page.page.nextCursor
      lastPage = page.page.prevCursor
    } while (cursor !== null)
    expect(forward).toHaveLength(rowCount + 1)
    expect(new Set(forward).size).toBe(rowCount + 1)

    const backward: string[] = []
    cursor = lastPage
    while (cursor !== null) {
      const page: Awaited<ReturnType<typeof run>> = await run({ sort, limit: '190', cursor })
      backward.unshift(...page.rows.map(({ id }) => id))
      expect(page.page.nextCursor).not.toBeNull()
      cursor = page.page.prevCursor
    }
    expect(backward).toEqual(forward.slice(0, backward.length))
    expect(backward.length).toBe(forward.length - (forward.length % 190 || 190))
  })

  it('a list has the order of plain SQL, with nulls last when ascending', async () => {
    const sorted = await db.query<{ id: string }>(
      'select id from people where deleted_at is null order by surname asc, price desc, id asc',
    )
    const first = await run({ sort: 'surname,-price', limit: '200' })
    const second = await run({ cursor: String(first.page.nextCursor), limit: '200' })
    expect([...first.rows, ...second.rows].map(({ id }) => id)).toEqual(sorted.slice(0, 400).map(({ id }) => id))
    expect((await run({ sort: '-surname', limit: '1' })).rows[0]?.surname).toBeNull()
  })

  it('a cursor continues from an offset, and every page has the total of all rows', async () => {
    const first = await run({ limit: '5', offset: '5', sort: 'code', total: 'exact' })
    expect(first.rows.map((row) => row.number)).toEqual([6, 7, 8, 9, 10])
    const second = await run({ limit: '5', cursor: String(first.page.nextCursor) })
    expect(second.rows.map((row) => row.number)).toEqual([11, 12, 13, 14, 15])
    const back = await run({ limit: '5', cursor: String(first.page.prevCursor) })
    expect(back.rows.map((row) => row.number)).toEqual([1, 2, 3, 4, 5])
    expect([first, second, back].map(({ page }) => page.total)).toEqual(Array(3).fill(rowCount + 1))
    expect(back.page.prevCursor).toBeNull()
  })

  it('an empty list has the total 0', async () => {
    expect(await run({ surname: 'nobody' })).toEqual({
      rows: [],
      page: { limit: 50, nextCursor: null, prevCursor: null, total: 0, totalRelation: 'eq' },
    })
  })

  it('a row has exactly its attributes, and its times are dates', async () => {
    const [row] = (await run({ createdBy: 'user-x' })).rows
    expect(Object.keys(row ?? {}).sort()).toEqual(['createdAt', 'id', 'number', 'surname', 'tags'])
    expect(row).toMatchObject({ createdAt: new Date('2026-06-01T10:00:00.123Z'), tags: [] })
  })
})

describe('Filters of lists', () => {
  const count = async (where: string): Promise<number> => {
    const [row] = await db.query<{ n: number }>(
      `select count(*)::int as n from people where deleted_at is null and ${where}`,
    )
    return row?.n ?? -1
  }

  it.each<[Record<string, string>, string]>([
    [{ surname: 'Name3' }, `surname = 'Name3'`],
    [{ surname: 'Name3,Name4' }, `surname in ('Name3', 'Name4')`],
    [{ 'surname[ne]': 'Name3' }, `surname is distinct from 'Name3'`],
    [{ 'surname[contains]': 'AME3' }, `surname ilike '%ame3%'`],
    [{ 'surname[startsWith]': 'ame' }, 'false'],
    [{ 'surname[exists]': 'false' }, 'surname is null'],
    [{ 'surname[contains]': '%' }, 'number = 9001'],
    [{ 'surname[startsWith]': '100%_\\' }, 'number = 9001'],
    [{ surname: '100%_\\\\ "O\'Neil"\\, Inc' }, 'number = 9001'],
    [{ email: 'P17@Example.com' }, 'number = 17'],
    [{ 'email[gte]': 'P2', 'email[lt]': 'p12' }, 'number between 2 and 11'],
    [{ 'email[gt]': 'p17@example.com', 'email[lte]': 'p20@example.com' }, 'number between 18 and 20'],
    [
      { 'createdAt[gte]': '2026-01-01T02:00:00+02:00', 'createdAt[lt]': '2026-01-01T00:10:00Z' },
      `created_at < '2026-01-01T00:10:00Z'`,
    ],
    [
      { 'createdAt[gte]': '2026-01-01T02:00:00.000+0200', 'createdAt[lt]': '2026-01-01T00:10:00 0000' },
      `created_at < '2026-01-01T00:10:00Z'`,
    ],
    [{ 'createdAt[gte]': '2026-06-01' }, 'number = 9001'],
    [{ createdAt: '2026-06-01T10:00:00.123Z' }, 'number = 9001'],
    [{ createdBy: 'me' }, `created_by = 'user-1'`],
    [{ 'createdBy[ne]': 'me' }, `created_by <> 'user-1'`],
    [{ hasPhoto: 'true' }, 'photo is not null'],
    [{ hasPhoto: 'false' }, 'photo is null'],
    [{ active: 'false' }, 'not active'],
    [{ tag: 't1' }, `'t1' = any(tags)`],
    [{ tag: 't1,t2' }, `tags && '{t1,t2}'`],
    [{ 'tag[ne]': 't1' }, `not tags && '{t1}'`],
    [{ 'tag[exists]': 'false' }, `tags = '{}'`],
    [{ 'price[lte]': '5.3' }, 'price <= 5.3'],
    [{ number: '17,18' }, 'number in (17, 18)'],
    [{ 'number[gt]': '-5', 'number[lte]': '12' }, 'number <= 12'],
    [{ 'number[lt]': '999999999999999999' }, 'true'],
    [{ max_price: '5.3', keyword: 'PERSON 12' }, `price <= 5.3 and search_text like '%12%'`],
    [{ q: 'Ödën  17' }, `search_text like '%17%'`],
    [{ q: ' ' }, 'true'],
  ])('the query %j matches the same rows as SQL', async (query, where) => {
    expect(await total({ ...query, total: 'exact' })).toBe(await count(where))
  })

  it('the integer filter uses the index of an integer column', async () => {
    const seen: string[] = []
    const explained = observeQueries(db, async (sql, values) => void seen.push(...(await explain(db, sql, values))))
    await asOwner(database, 'create index people_by_number on people (number, id) where deleted_at is null')
    await people.run(explained, { 'number[gt]': '3000' })
    expect(seen.filter((line) => /Index Cond: \(number > /.test(line))).toHaveLength(2)
  })

  it.each([
    ['createdAt', { createdAt: '2026-01-01' }, true],
    ['createdAt', { 'createdAt[exists]': 'true' }, true],
    ['createdAt', { 'createdAt[exists]': 'false' }, false],
    ['created', { 'createdAt[gte]': '2026-01-01' }, false],
  ])('requiresField of %s in %j is %s', (field, query, expected) => expect(requiresField(field, query)).toBe(expected))

  it('run applies an additional condition of the service', async () => {
    const { page } = await people.run(db, {}, { where: (bind) => `number <= ${bind(12)}` })
    expect(page.total).toBe(12)
  })
})

describe('Invalid parameters of lists', () => {
  it.each<[Record<string, string>, string, string]>([
    [{ surnme: 'x' }, 'unknown_parameter', 'surnme'],
    [{ 'surname[gt]': 'x' }, 'unknown_parameter', 'surname[gt]'],
    [{ 'surname[toString]': 'x' }, 'unknown_parameter', 'surname[toString]'],
    [{ __proto__x: 'x' }, 'unknown_parameter', '__proto__x'],
    [{ constructor: 'x' }, 'unknown_parameter', 'constructor'],
    [{ limit: '0' }, 'invalid_parameter', 'limit'],
    [{ limit: '201' }, 'invalid_parameter', 'limit'],
    [{ limit: '1e1' }, 'invalid_parameter', 'limit'],
    [{ offset: '10001' }, 'invalid_parameter', 'offset'],
    [{ total: 'all' }, 'invalid_parameter', 'total'],
    [{ 'total[ne]': 'none' }, 'unknown_parameter', 'total[ne]'],
    [{ sort: 'email' }, 'invalid_parameter', 'sort'],
    [{ sort: 'surname,surname' }, 'invalid_parameter', 'sort'],
    [{ sort: '' }, 'invalid_parameter', 'sort'],
    [{ 'createdAt[gte]': 'yesterday' }, 'invalid_parameter', 'createdAt[gte]'],
    [{ 'createdAt[gte]': '2026-02-31' }, 'invalid_parameter', 'createdAt[gte]'],
    [{ owner: 'x' }, 'invalid_parameter', 'owner'],
    [{ hasPhoto: 'yes' }, 'invalid_parameter', 'hasPhoto'],
    [{ 'price[lte]': '1e400' }, 'invalid_parameter', 'price[lte]'],
    [{ number: '1.5' }, 'invalid_parameter', 'number'],
    [{ 'number[gt]': '9'.repeat(19) }, 'invalid_parameter', 'number[gt]'],
    [{ surname: 'a\0b' }, 'invalid_parameter', 'surname'],
    [{ q: 'a\0b' }, 'invalid_parameter', 'q'],
    [{ surname: '\ud800' }, 'invalid_parameter', 'surname'],
    [{ surname: 'x'.repeat(10_001) }, 'invalid_parameter', 'surname'],
    [{ surname: Array(101).fill('x').join(',') }, 'invalid_parameter', 'surname'],
    [{ max_price: '1', 'price[lte]': '2' }, 'invalid_parameter', 'price[lte]'],
  ])('the query %j is a 400', async (query, code, parameter) => {
    const problem = await problemOf(query)
    expect(problem.status).toBe(400)
    expect(problem.code).toBe(code)
    expect(problem.options.errors).toContainEqual(expect.objectContaining({ parameter, code }))
  })

  it.each([
    "'; drop table people; --",
    '%',
    '_',
    '\\',
    '"',
    '$1',
    '🦄',
    ',',
    ',,',
    '\\,',
    "O'Neil",
    'ﬁ',
    '../..',
    '<script>',
    '{}',
    'NULL',
  ])('the value %j is treated as data, not as SQL, in every text filter, in q and in user ids', async (value) => {
    for (const parameter of [
      'surname',
      'surname[ne]',
      'surname[contains]',
      'surname[startsWith]',
      'q',
      'createdBy',
      'tag',
      'tag[ne]',
      'email',
    ]) {
      expect(await total({ [parameter]: value })).toBeGreaterThanOrEqual(0)
    }
    expect(await total({ total: 'exact' })).toBe(rowCount + 1)
  })

  it('a list refuses a cursor with an offset and a cursor of another sort', async () => {
    const { page } = await run({ sort: 'surname' })
    const cursor = String(page.nextCursor)
    expect((await problemOf({ cursor, offset: '1' })).options.errors).toMatchObject([{ parameter: 'offset' }])
    expect((await problemOf({ cursor, sort: '-surname' })).options.errors).toMatchObject([{ parameter: 'cursor' }])
  })

  const forged = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  it.each([
    'x',
    '!',
    'a'.repeat(5_000),
    forged({}),
    forged([]),
    forged(['-createdAt', 0]),
    forged(['-createdAt', 0, 'x']),
    forged(['-createdAt', 0, 'not a time', '00000000-0000-0000-0000-000000000000']),
    forged(['-createdAt', 0, '2026-01-01', 'not an id']),
    forged(['-createdAt', 0, '2026-01-01', null]),
    forged(['-createdAt', 0, 'a\0', '00000000-0000-0000-0000-000000000000']),
    forged(['-createdAt', 7, '2026-01-01', '00000000-0000-0000-0000-000000000000']),
    ...[[-1, 'eq'], [1.5, 'eq'], [10_001, 'gte'], ['1', 'eq'], [1, 'lt'], [1], [1, 'eq', 1], 1, {}].map((forgedTotal) =>
      forged(['-createdAt', 0, forgedTotal, '2026-01-01', '00000000-0000-0000-0000-000000000000']),
    ),
    forged(['password', 0, '2026-01-01', '00000000-0000-0000-0000-000000000000']),
    forged(['price', 0, '9'.repeat(200_000), '00000000-0000-0000-0000-000000000000']),
    forged(['code', 0, '99999999999999999999', '00000000-0000-0000-0000-000000000000']),
  ])('a list refuses the forged cursor %#', async (cursor) => {
    expect(await problemOf({ cursor })).toMatchObject({ status: 400, options: { errors: [{ parameter: 'cursor' }] } })
  })

  it('the schema of a list reports every error at once and names the known parameters', () => {
    const parse = () => parseParameters(people.query, { nonsense: '1', limit: 'x', 'createdAt[gte]': 'y' })
    expect(parse).toThrow(Problem)
    try {
      parse()
    } catch (error) {
      const { code, options } = error as Problem
      expect(code).toBe('unknown_parameter')
      expect(options.errors?.map(({ parameter }) => parameter).sort()).toEqual(['createdAt[gte]', 'limit', 'nonsense'])
      const unknown = options.errors?.find(({ parameter }) => parameter === 'nonsense')
      expect(unknown?.message).toContain('createdAt[ne|gt|gte|lt|lte|exists]')
    }
    expect(parseParameters(people.query, { limit: '5', 'createdAt[gte]': '2026-01-01' })).toMatchObject({ limit: '5' })
  })
})

it('foldText removes accents, compatibility forms and case', () => {
  expect(foldText('Ångström ﬁn Ñandú')).toBe('angstrom fin nandu')
})

it.each([
  ['lt', true],
  ['gte', false],
])(
  'a time filter with the operator %s adds the condition that an upper bound implies: %s',
  async (operator, isAdded) => {
    const deletions = list({
      table: 'people',
      columns: ['id'],
      sort: ['createdAt'],
      defaultSort: 'createdAt',
      filter: { deletedAt: time({ upperBoundImplies: columnBefore('created_at') }) },
    })
    const statements: string[] = []
    const recorded = observeQueries(db, async (sql) => void statements.push(sql))
    await deletions.run(recorded, { [`deletedAt[${operator}]`]: '2026-01-01' })
    expect(statements).toHaveLength(1)
    expect(/created_at < \$\d+::timestamptz/.test(String(statements[0]))).toBe(isAdded)
  },
)
