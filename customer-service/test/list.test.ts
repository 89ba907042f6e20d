import { tokenFor } from '@clientele/platform/testing/tokens'
import { aCustomer, type Running, startCustomers } from './start.ts'

type Row = Record<string, string | string[] | null> & { id: string; name: string }

let service: Running
let people: Row[]
beforeAll(async () => {
  service = await startCustomers()
  const rows = [
    {
      name: 'Ana',
      surname: 'Okafor',
      email: 'ana@shop.example',
      phone: '+254711000201',
      externalId: 'x-1',
      tags: ['vip', 'wholesale'],
    },
    {
      name: 'Zoë',
      surname: 'Ångström',
      email: 'zoe@shop.example',
      phone: '+254711000202',
      externalId: 'x-2',
      tags: ['vip'],
    },
    { name: 'José', surname: 'O’Brien, Jr.', email: 'jose_o@shop.example', tags: [] },
    { name: "Robert'); drop table customers;--", surname: 'Tables', email: 'bobby@shop.example', tags: ['50%'] },
  ]
  people = []
  for (const row of rows) people.push((await service.user.post('/v1/customers', row)).body)
  people.push((await service.admin.post('/v1/customers', { name: 'Ada', surname: 'Okafor' })).body)
})
afterAll(() => service?.stop())

const names = async (query: string): Promise<string[]> => {
  const { status, body } = await service.user.get(`/v1/customers?${query}`)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.data.map(({ name }: Row) => name.split(/[\W]/, 1)[0])
}

describe('filters (S0-10, S1-05, S4-11)', () => {
  it.each([
    ['surname=Okafor', ['Ada', 'Ana']],
    ['surname[contains]=kafo', ['Ada', 'Ana']],
    ['surname[contains]=%C3%A5NGSTR%C3%96M', ['Zo']],
    ['surname[startsWith]=ok&name=Ana', ['Ana']],
    ['surname=O’Brien\\,%20Jr.', ['Jos']],
    ['email=ZOE@shop.example', ['Zo']],
    ['email=ana@shop.example,zoe@shop.example', ['Zo', 'Ana']],
    ['email[exists]=false', ['Ada']],
    ['email[contains]=_', ['Jos']],
    ['email[contains]=%25', []],
    ['phone=%2B254711000202', ['Zo']],
    ['externalId=x-1', ['Ana']],
    ['tag=vip', ['Zo', 'Ana']],
    ['tag=wholesale,50%25', ['Robert', 'Ana']],
    ['hasPhoto=true', []],
    ['hasPhoto=false&surname=Tables', ['Robert']],
    ['createdAt[gte]=2020-01-01&createdAt[lt]=2020-01-02', []],
    ['updatedAt[gte]=2020-01-01&name=Ada', ['Ada']],
    ['q=okafor', ['Ada', 'Ana']],
    ['q=zoe%20angstrom', ['Zo']],
    ['q=ÅNGSTRÖM', ['Zo']],
    ['q=254711000201', ['Ana']],
    ['q=wholesale', ['Ana']],
    ["q=Robert')%3B%20drop", ['Robert']],
  ])('%s finds %j', async (query, expected) => expect(await names(query)).toEqual(expected))

  it('finds by code, in any case', async () =>
    expect(await names(`code=${String(people[1]?.['code']).toLowerCase()}`)).toEqual(['Zo']))

  it('createdBy=me and updatedBy=me find one’s own (S0-03, S1-11, S1-13)', async () => {
    const { id } = await tokenFor('user')
    expect(await names('createdBy=me')).toHaveLength(4)
    expect(await names(`createdBy=${id}`)).toHaveLength(4)
    await service.user.patch(`/v1/customers/${people[4]?.id}`, { locale: 'sw' })
    expect(await names('createdBy[ne]=me&updatedBy=me')).toEqual(['Ada'])
  })

  it.each([
    'color=red',
    'tags=vip',
    'deletedAt[contains]=x',
    'createdAt[gte]=yesterday',
    'limit=0',
    'limit=201',
    'sort=email',
    'cursor=x',
    'limit=5&cursor=x&offset=5',
  ])('%s answers 400', async (query) => expect((await service.user.get(`/v1/customers?${query}`)).status).toBe(400))
})

describe('hostile values (S1-29)', () => {
  const hostile = [
    "'",
    '"',
    '%',
    '_',
    '\\',
    "' or '1'='1",
    '1; drop table customers',
    '%00',
    '%ff',
    '\u{1f4a9}',
    'x'.repeat(10_000),
    '(((',
    '{}',
    '$1',
  ]
  const parameters = [
    'q',
    'name',
    'surname',
    'email',
    'phone',
    'code',
    'externalId',
    'tag',
    'createdBy',
    'createdAt',
    'sort',
    'cursor',
    'name[contains]',
    'tag[exists]',
  ]
  it.each(parameters)('%s is data, whatever it holds', async (parameter) => {
    for (const value of hostile) {
      const text = /^%../.test(value) ? value : encodeURIComponent(value)
      const { status } = await service.user.get(`/v1/customers?${parameter}=${text}`)
      expect([200, 400, 404, 414, 431]).toContain(status)
    }
    expect(await names('surname=Tables')).toEqual(['Robert'])
  })
})

describe('sorting and paging (S1-05)', () => {
  beforeAll(async () => {
    const items = Array.from({ length: 57 }, (_, index) => ({
      op: 'create',
      data: aCustomer({ name: `Page ${index % 5}`, surname: `S${index % 7}`, tags: ['paged'] }),
    }))
    await service.user.post('/v1/customers/batch', { items })
  })

  it.each(['createdAt', '-createdAt', 'updatedAt', 'surname', '-surname,name', 'name,-createdAt', 'code', '-code'])(
    'sort=%s reaches each customer once, there and back',
    async (sort) => {
      const seen: string[] = []
      let query: string | null = `limit=10&sort=${sort}`
      let last = ''
      while (query !== null) {
        const { body } = await service.user.get(`/v1/customers?tag=paged&${query}`)
        seen.push(...body.data.map(({ id }: Row) => id))
        expect(body.page).toMatchObject({ total: 57, totalRelation: 'eq' })
        last = body.page.prevCursor ?? last
        query = body.page.nextCursor && `limit=10&cursor=${body.page.nextCursor}`
      }
      expect(new Set(seen).size).toBe(57)
      expect(seen).toHaveLength(57)
      const { body } = await service.user.get(`/v1/customers?tag=paged&limit=10&cursor=${last}`)
      expect(body.data.map(({ id }: Row) => id)).toEqual(seen.slice(40, 50))
    },
  )

  it('sorts codes by their number, also beyond a million', async () => {
    await service.db.query(`select setval('customer_codes', 999998)`)
    const codes: string[] = []
    for (let count = 0; count < 3; count++)
      codes.push((await service.user.post('/v1/customers', aCustomer({ tags: ['million'] }))).body.code)
    expect(codes).toEqual(['CUS-999999', 'CUS-1000000', 'CUS-1000001'])
    const { body } = await service.user.get('/v1/customers?tag=million&sort=code')
    expect(body.data.map(({ code }: { code: string }) => code)).toEqual(codes)
  })

  it('offset pages too (S2-08), not together with a cursor', async () => {
    const first = (await service.user.get('/v1/customers?tag=paged&limit=5&offset=5&sort=code')).body
    expect(first.data).toHaveLength(5)
    expect((await service.user.get(`/v1/customers?offset=5&cursor=${first.page.nextCursor}`)).status).toBe(400)
  })
})
