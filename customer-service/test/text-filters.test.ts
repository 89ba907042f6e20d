import { explain, watched } from '@clientele/platform/testing/database'
import { listOf } from '../src/customers/customer.list.ts'
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
const list = listOf({ defaultCountry: undefined })

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

/** Pieces of each text, in either case too. */
const pieces = (text: string, from: 'contains' | 'startsWith'): string[] => {
  const letters = [...text]
  const starts = from === 'startsWith' ? [0] : letters.keys()
  const found = [...starts].flatMap((start) =>
    [1, 2, 3, 5, letters.length].map((length) => letters.slice(start, start + length).join('')),
  )
  return found.flatMap((piece) => [piece, piece.toUpperCase(), piece.toLowerCase()])
}

it.each(['contains', 'startsWith'] as const)('the search text never hides what [%s] means', async (operator) => {
  const stored = await service.db.query<{ name: string }>('select name from customers order by name')
  expect(stored).toHaveLength(names.length)
  for (const piece of new Set(stored.flatMap(({ name }) => pieces(name, operator)))) {
    const pattern = piece.replace(/[\\%_]/g, '\\$&')
    const meant = await service.db.query<{ name: string }>(
      'select name from customers where name collate "und-x-icu" ilike $1',
      [operator === 'contains' ? `%${pattern}%` : `${pattern}%`],
    )
    const { rows } = await list.run(service.db, { [`name[${operator}]`]: piece })
    expect([piece, rows.map(({ name }) => name).sort()]).toEqual([piece, meant.map(({ name }) => name).sort()])
  }
})

describe('at twenty thousand customers', () => {
  beforeAll(async () => {
    await service.db.query(`insert into customers (id, code, name, surname, email, search_text,
        created_at, created_by, created_by_name, updated_at, updated_by, updated_by_name)
      select gen_random_uuid(), code, name, surname, email, lower(concat_ws(' ', name, surname, email, code)), now(), 'x', 'x', now(), 'x', 'x'
      from (select 'CUS-' || n as code, 'Name ' || md5(n::text) as name, md5('s' || n) as surname, n || '@shop.example' as email
        from generate_series(100000, 120000) as n) as made`)
    await service.db.query('vacuum analyze customers')
  })

  it.each([
    ['name', 'contains', 'gst'],
    ['surname', 'startsWith', 'Ån'],
    ['email', 'contains', '9877@'],
    ['code', 'startsWith', 'CUS-00'],
  ])('%s[%s]=%s is found by the index of the search text', async (field, operator, value) => {
    const plans: string[] = []
    const { db } = service
    const explained = watched(db, async (sql, values) => void plans.push((await explain(db, sql, values)).join('\n')))
    await list.run(explained, { [`${field}[${operator}]`]: value })
    expect(plans[0]).toMatch(/Bitmap Index Scan on customers_by_search_text/)
  })
})
