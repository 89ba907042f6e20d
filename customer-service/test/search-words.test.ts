import { lacksFoldedForms } from '@clientele/platform/lists/words/fold-text'
import { explain } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startCustomers()
  const rows = [
    { name: 'Łukasz', surname: 'Wójcik' },
    { name: 'Freja', surname: 'Sørensen' },
    { name: 'Karl', surname: 'Strauß' },
    { name: 'Đorđe', surname: 'Ilić' },
    { name: 'Æsop', surname: 'Vane' },
    { name: 'Işık', surname: 'Demir' },
    { name: 'Þóra', surname: 'Guðmundsdóttir' },
    { name: 'Odysseus', surname: 'ΟΔΥΣΣΕΥΣ' },
    { name: 'Ann', surname: 'Phone', phone: '+4915123456789' },
    { name: 'Rosa', surname: 'Verdi', phone: '+390612345678' },
    { name: 'Maeve', surname: 'O’Neil' },
    { name: 'Ciara', surname: 'ONeil' },
    { name: 'Kai', surname: 'Kaʻohu' },
    { name: 'Jean-Luc', surname: 'Saint-Exupéry' },
    { name: 'Min Ji', surname: 'Kim', email: 'minji.kim-82@example.com' },
    { name: 'Zoë', surname: 'Composed' },
    { name: 'Zoe\u0308', surname: 'Apart' },
  ]
  const items = rows.map((row) => ({ op: 'create', data: { ...aCustomer(), email: null, tags: ['words'], ...row } }))
  expect((await service.user.post('/v1/customers/batch', { items })).status).toBe(200)
})
afterAll(() => service?.stop())

const surnames = async (query: Record<string, string>): Promise<string[]> => {
  const { status, body } = await service.user.get(`/v1/customers?${new URLSearchParams({ ...query, sort: 'surname' })}`)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.data.map(({ surname }: { surname: string }) => surname)
}

describe('q finds customers as people type them', () => {
  it.each([
    ['lukasz', ['Wójcik']],
    ['ŁUKASZ wojcik', ['Wójcik']],
    ['sorensen', ['Sørensen']],
    ['SØRENSEN', ['Sørensen']],
    ['strauss', ['Strauß']],
    ['Strauß', ['Strauß']],
    ['dorde', ['Ilić']],
    ['aesop', ['Vane']],
    ['isik', ['Demir']],
    ['IŞIK', ['Demir']],
    ['thora gudmunds', ['Guðmundsdóttir']],
    ['οδυσσευς', ['ΟΔΥΣΣΕΥΣ']],
    ['Phone, Ann', ['Phone']],
    ['Ann Phone', ['Phone']],
    ['Phone,Ann', ['Phone']],
    ['"Phone" (Ann).', ['Phone']],
    ["O'Neil", ['O’Neil', 'ONeil']],
    ['O’Neil', ['O’Neil', 'ONeil']],
    ['oneil', ['O’Neil', 'ONeil']],
    ["Maeve O'Ne", ['O’Neil']],
    ["ka'ohu", ['Kaʻohu']],
    ['kaohu', ['Kaʻohu']],
    ['jean luc', ['Saint-Exupéry']],
    ['jeanluc', ['Saint-Exupéry']],
    ['Exupery-Saint', ['Saint-Exupéry']],
    ['min-ji', ['Kim']],
    ['ab-cd-ef-gh-ij-kl', []],
    ['kim-82@', ['Kim']],
    ['kim82', []],
    ['zoe', ['Apart', 'Composed']],
  ])('q=%s finds %j', async (q, expected) => expect(await surnames({ q, tag: 'words' })).toEqual(expected))

  it.each([
    '+4915123456789',
    '0151 23456789',
    '(0151) 23456789',
    '0151/234 567-89',
    '0151–23456789',
    '+49 151 23456789',
    '+49 (0)151 23456789',
    '+49(0)151-23456789',
    '0049 151 234 567 89',
    '0049 (0) 151 23456789',
    'tel:+49-151-23456789',
    '\u202a+49 151 23456789\u202c',
    '151 2345 6789',
    '0151 2345',
    'Ann 0151 23456789',
    '23456789 Phone',
    '0151 23456789, Ann',
    'Phone; 0151 - 234 567 89',
  ])('q=%s finds +4915123456789', async (q) => expect(await surnames({ q })).toEqual(['Phone']))

  it('q finds a number that keeps its zero abroad, and no other number', async () => {
    expect(await surnames({ q: '06 1234 5678' })).toEqual(['Verdi'])
    expect(await surnames({ q: '+39 06 12345678' })).toEqual(['Verdi'])
    expect(await surnames({ q: '0151 23456780' })).toEqual([])
    expect(await surnames({ q: 'Rosa 0151 23456789' })).toEqual([])
    await service.user.post('/v1/customers', aCustomer({ surname: 'Pieces', externalId: 'x-0151-234', tags: ['a567'] }))
    expect(await surnames({ q: '0151 234 567' })).toEqual(['Phone'])
    expect(await surnames({ q: '0151-234' })).toEqual(['Phone', 'Pieces'])
  })

  it('sort=relevance lists whole words first, also those between punctuation', async () => {
    const { body } = await service.user.get('/v1/customers?q=luc&sort=relevance')
    expect(body.data.map(({ surname }: { surname: string }) => surname)).toEqual(['Saint-Exupéry'])
    const names = async (q: string) =>
      (await service.user.get(`/v1/customers?q=${q}&sort=relevance`)).body.data.map(
        ({ surname }: { surname: string }) => surname,
      )
    await service.user.post('/v1/customers', aCustomer({ surname: 'Oneilson', name: 'Later' }))
    expect(await names('oneil')).toEqual(['ONeil', 'O’Neil', 'Oneilson'])
  })
})

describe('Filters of texts with accents', () => {
  it.each([
    [{ name: 'Zoë' }],
    [{ name: 'Zoe\u0308' }],
    [{ name: 'Zoë,Nobody' }],
    [{ 'name[contains]': 'OË' }],
    [{ 'name[startsWith]': 'zoe\u0308' }],
  ])('the filter %j finds the accent with its letter and apart', async (filter) =>
    expect(await surnames({ ...filter, tag: 'words' })).toEqual(['Apart', 'Composed']),
  )

  it('[ne] leaves out both', async () => {
    const others = await surnames({ 'name[ne]': 'Zoë', tag: 'words' })
    expect(others).toContain('Kim')
    expect(others).not.toContain('Apart')
    expect(others).not.toContain('Composed')
  })
})

describe('Search texts of the previous release', () => {
  it('are rewritten, also those that its replicas write later, and customers can be found by them until then', async () => {
    const { id } = (await service.user.post('/v1/customers', { name: 'Bøje', surname: 'D’Arcy-Łoś' })).body
    for (const surname of ['d’arcy-łos', 'd’arcy-łosowski']) {
      await service.db.query('update customers set search_text = $2 where id = $1', [id, `bøje ${surname}`])
      expect(await surnames({ q: 'Bøje D’Arcy-Łoś' })).toEqual(['D’Arcy-Łoś'])
      await eventually(async () => expect(await surnames({ q: 'boje darcy los' })).toEqual(['D’Arcy-Łoś']))
    }
    const { body } = await service.user.get(`/v1/customers/${id}`)
    expect(body.version).toBe(1)
  })

  it('are found by an index, in which no text of this release is', async () => {
    const sql = `select id from customers where ${lacksFoldedForms} and id > $1::uuid order by id limit 200 for no key update skip locked`
    await eventually(async () =>
      expect(await service.db.query(`select id from customers where ${lacksFoldedForms}`)).toEqual([]),
    )
    const plan = await explain(service.db, `${sql}`, ['00000000-0000-0000-0000-000000000000'])
    expect(plan.join('\n')).toMatch(/Index (Only )?Scan using customers_without_folded_forms/)
  })
})
