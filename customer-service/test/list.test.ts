import { asOwner } from '@clientele/platform/testing/database'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { aCustomer, type Running, startCustomers } from './start.ts'

type Row = Record<string, string | string[] | null> & { id: string; name: string }

let service: Running
let customers: Row[]
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
  customers = []
  for (const row of rows) customers.push((await service.user.post('/v1/customers', row)).body)
  customers.push((await service.admin.post('/v1/customers', { name: 'Ada', surname: 'Okafor' })).body)
})
afterAll(() => service?.stop())

const names = async (query: string): Promise<string[]> => {
  const { status, body } = await service.user.get(`/v1/customers?${query}`)
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body.data.map(({ name }: Row) => name.split(/[\W]/, 1)[0])
}

describe('Filters of GET /v1/customers', () => {
  it.each([
    ['surname=Okafor', ['Ada', 'Ana']],
    ['surname[contains]=kafo', ['Ada', 'Ana']],
    ['surname[contains]=%C3%A5NGSTR%C3%96M', ['Zo']],
    ['surname[startsWith]=ok&name=Ana', ['Ana']],
    ['surname[gte]=Ok&surname[lt]=Ol', ['Ada', 'Ana']],
    ['name[gt]=Ana&name[lte]=K', ['Jos']],
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
  ])('GET /v1/customers?%s finds %j', async (query, expected) => expect(await names(query)).toEqual(expected))

  it('the filter by code ignores case', async () =>
    expect(await names(`code=${String(customers[1]?.['code']).toLowerCase()}`)).toEqual(['Zo']))

  it('id=a,b finds several customers at once, but none in the trash', async () => {
    const [ana, zoe, jose] = customers.map(({ id }) => id)
    expect(await names(`id=${jose},${ana}`)).toEqual(['Jos', 'Ana'])
    expect(await names(`id=${ana},${zoe}&tag=wholesale`)).toEqual(['Ana'])
    const { id } = (await service.user.post('/v1/customers', aCustomer())).body
    await service.user.delete(`/v1/customers/${id}`)
    expect(await names(`id=${id},${zoe}`)).toEqual(['Zo'])
    expect(await names(`id=${id},${zoe}&deletedAt[exists]=true`)).toEqual(['Ana'])
  })

  it('createdBy=me and updatedBy=me find the customers that the user created or changed last', async () => {
    const { id } = await signedInAs('user')
    expect(await names('createdBy=me')).toHaveLength(4)
    expect(await names(`createdBy=${id}`)).toHaveLength(4)
    await service.user.patch(`/v1/customers/${customers[4]?.id}`, { locale: 'sw' })
    expect(await names('createdBy[ne]=me&updatedBy=me')).toEqual(['Ada'])
  })

  it('editedBy finds the customers that a user created or ever changed', async () => {
    const [ana, admin] = [customers[0]?.id, (await signedInAs('admin')).id]
    await service.admin.patch(`/v1/customers/${ana}`, { locale: 'sw' })
    await service.user.patch(`/v1/customers/${ana}`, { locale: 'en' })
    expect(await names(`editedBy=${admin}`)).toEqual(['Ada', 'Ana'])
    expect(await names(`editedBy=${admin}&updatedBy=me&sort=name`)).toEqual(['Ada', 'Ana'])
    expect(await names(`editedBy=${admin}&createdBy=me`)).toEqual(['Ana'])
    expect(await names('editedBy=me&tag=vip')).toEqual(['Zo', 'Ana'])
    expect(await names('editedBy=nobody')).toEqual([])
  })

  it('codes are compared by their number', async () => {
    const [, , , robert] = customers
    expect(await names(`code[gte]=${robert?.['code']}`)).toEqual(['Ada', 'Robert'])
    expect(await names('code[gt]=cus-2&code[lte]=CUS-4')).toEqual(['Robert', 'Jos'])
  })

  it.each([
    'color=red',
    'tags=vip',
    'deletedAt[contains]=x',
    'createdAt[gte]=yesterday',
    'id=CUS-000001',
    'code[gt]=5',
    'editedBy[ne]=me',
    'editedBy=me,x',
    'email[gt]=a',
    'limit=0',
    'limit=201',
    'sort=email',
    'cursor=x',
    'limit=5&cursor=x&offset=5',
  ])('GET /v1/customers?%s returns 400', async (query) =>
    expect((await service.user.get(`/v1/customers?${query}`)).status).toBe(400),
  )
})

describe('Hostile values in the query', () => {
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
  it.each(parameters)('the parameter %s treats hostile values as data', async (parameter) => {
    for (const value of hostile) {
      const text = /^%../.test(value) ? value : encodeURIComponent(value)
      const { status } = await service.user.get(`/v1/customers?${parameter}=${text}`)
      expect([200, 400, 404, 414, 431]).toContain(status)
    }
    expect(await names('surname=Tables')).toEqual(['Robert'])
  })
})

describe('Sorting and paging', () => {
  beforeAll(async () => {
    const items = Array.from({ length: 57 }, (_, index) => ({
      op: 'create',
      data: aCustomer({ name: `Page ${index % 5}`, surname: `S${index % 7}`, tags: ['paged'] }),
    }))
    await service.user.post('/v1/customers/batch', { items })
  })

  it.each(['createdAt', '-createdAt', 'updatedAt', 'surname', '-surname,name', 'name,-createdAt', 'code', '-code'])(
    'sort=%s returns each customer once, forwards and backwards',
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

  it('sort=code sorts by the number of the code, also beyond a million', async () => {
    await asOwner(service.database, `select setval('customer_codes', 999998)`)
    const codes: string[] = []
    for (let count = 0; count < 3; count++)
      codes.push((await service.user.post('/v1/customers', aCustomer({ tags: ['million'] }))).body.code)
    expect(codes).toEqual(['CUS-999999', 'CUS-1000000', 'CUS-1000001'])
    const found = async (query: string) =>
      (await service.user.get(`/v1/customers?tag=million&${query}`)).body.data.map(({ code }: { code: string }) => code)
    expect(await found('sort=code')).toEqual(codes)
    expect(await found('sort=code&code[gt]=CUS-999999')).toEqual(codes.slice(1))
  })

  it('offset returns a later page and cannot be combined with a cursor', async () => {
    const first = (await service.user.get('/v1/customers?tag=paged&limit=5&offset=5&sort=code')).body
    expect(first.data).toHaveLength(5)
    expect((await service.user.get(`/v1/customers?offset=5&cursor=${first.page.nextCursor}`)).status).toBe(400)
  })
})
