import { asOwner, explain, observeQueries } from '@clientele/platform/testing/database'
import { createCustomerList } from '../src/customers/customer.list.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

const names = [
  'ΟΔΥΣΣΕΥΣ Σας',
  'İstanbul ılık',
  'ﬁne ½ Ⅳ',
  'Straße ẞ',
  'Ångström é',
  'e\u0301a\u0327 \u00b4x',
  '각하 ᄀ',
  'a_b%c\\d',
  '(brackets) -dash',
  'Ǆungla 𝒜b',
  'K Ω 😀',
  'anna  maria',
]
const list = createCustomerList({ defaultCountry: undefined })

let service: Running
beforeAll(async () => {
  service = await startCustomers()
  const items = names.map((name, index) => ({
    op: 'create',
    data: aCustomer({ name, surname: names.at(-index) ?? name, tags: [] }),
  }))
  await service.user.post('/v1/customers/batch', { items })
})
afterAll(() => service?.stop())

/** Substrings of a text, also in upper and lower case. */
const substrings = (text: string, from: 'contains' | 'startsWith'): string[] => {
  const letters = [...text]
  const starts = from === 'startsWith' ? [0] : letters.keys()
  const found = [...starts].flatMap((start) =>
    [1, 2, 3, 5, letters.length].map((length) => letters.slice(start, start + length).join('')),
  )
  return found.flatMap((piece) => [piece, piece.toUpperCase(), piece.toLowerCase()])
}

it.each(['contains', 'startsWith'] as const)(
  'the index of the search text does not change the result of a [%s] filter',
  async (operator) => {
    const stored = await service.db.query<{ name: string }>('select name from customers order by name')
    expect(stored).toHaveLength(names.length)
    for (const piece of new Set(stored.flatMap(({ name }) => substrings(name, operator)))) {
      const pattern = piece.replace(/[\\%_]/g, '\\$&')
      const forms = [pattern, pattern.normalize('NFC'), pattern.normalize('NFD')]
      const expected = await service.db.query<{ name: string }>(
        'select name from customers where name collate "und-x-icu" ilike any($1)',
        [forms.map((form) => (operator === 'contains' ? `%${form}%` : `${form}%`))],
      )
      const { rows } = await list.run(service.db, { [`name[${operator}]`]: piece })
      expect([piece, rows.map(({ name }) => name).sort()]).toEqual([piece, expected.map(({ name }) => name).sort()])
    }
  },
)

describe('Text filters with twenty thousand customers', () => {
  beforeAll(async () => {
    const insert = `insert into customers (id, code, name, surname, email, search_text,
        created_at, created_by, created_by_name, updated_at, updated_by, updated_by_name)
      select gen_random_uuid(), code, name, surname, email, lower(concat_ws(' ', name, surname, email, code)), now(), 'x', 'x', now(), 'x', 'x'
      from (select 'CUS-' || n as code, 'Name ' || md5(n::text) as name, md5('s' || n) as surname, n || '@shop.example' as email
        from generate_series($1::integer, $1::integer + 4999) as n) as made`
    for (let first = 100_000; first < 120_000; first += 5_000) await service.db.query(insert, [first])
    await asOwner(service.database, 'vacuum analyze customers')
  })

  it('editedBy finds the newest of more than ten thousand customers of a user', async () => {
    const { rows, page } = await list.run(service.db, { editedBy: 'x', limit: '20' })
    expect(page).toMatchObject({ total: 1_000, totalRelation: 'gte' })
    const newest = await service.db.query<{ id: string }>(
      `select id from customers where updated_by = 'x' order by created_at desc, id desc limit 20`,
    )
    expect(rows.map(({ id }) => id)).toEqual(newest.map(({ id }) => id))
    const next = await list.run(service.db, { editedBy: 'x', limit: '20', cursor: String(page.nextCursor) })
    expect(next.rows).toHaveLength(20)
  })

  it.each([
    ['name', 'contains', 'gst'],
    ['surname', 'startsWith', 'Ån'],
    ['email', 'contains', '9877@'],
    ['code', 'startsWith', 'CUS-00'],
  ])('the filter %s[%s]=%s uses the index of the search text', async (field, operator, value) => {
    const plans: string[] = []
    const { db } = service
    const explained = observeQueries(
      db,
      async (sql, values) => void plans.push((await explain(db, sql, values)).join('\n')),
    )
    await list.run(explained, { [`${field}[${operator}]`]: value })
    expect(plans.at(-1)).toMatch(/Bitmap Index Scan on customers_by_search_text/)
  })
})
