import { client } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { counts, createImportClient } from './import-client.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startCustomers()
}, 60_000)
afterAll(() => service?.stop())

const exportCustomers = async (body: object): Promise<string> => {
  const { status, headers } = await service.user.post('/v1/exports', body)
  expect(status).toBe(202)
  const job = await eventually(async () => {
    const job = (await service.user.get(headers.get('location') as string)).body
    expect(job).toMatchObject({ kind: 'export', status: 'succeeded' })
    return job
  })
  const { token } = await signedInAs('user')
  const file = await fetch(new URL(job.resultUrl, service.url), { headers: { authorization: `Bearer ${token}` } })
  expect(file.headers.get('x-row-count')).toBe(String(job.result.rows))
  return file.text()
}

describe('POST /v1/exports', () => {
  const tag = `export-${process.pid}`
  const address = { street: '1 Moi Avenue', city: 'Nairobi', country: 'KE' }
  const customers = [
    { name: 'Ana', surname: '=cmd|x', phone: '+254711000111', tags: [tag, 'a;b'], address, metadata: { size: 5 } },
    { name: "O'Neil", surname: 'Größe', tags: [tag] },
  ]
  beforeAll(async () => {
    for (const person of customers)
      expect((await service.user.post('/v1/customers', aCustomer(person))).status).toBe(201)
  })
  const filter = { tag, sort: 'name' }

  it('a CSV export contains the customers of the list filter, with a column for each address field', async () => {
    const fields = ['name', 'surname', 'phone', 'tags', 'address', 'metadata']
    expect(await exportCustomers({ filter, fields })).toBe(
      [
        '"name","surname","phone","tags","address.street","address.city","address.postalCode","address.region","address.country","metadata"',
        `"Ana","'=cmd|x","'+254711000111","[""${tag}"",""a;b""]","1 Moi Avenue","Nairobi",,,"KE","{""size"":5}"`,
        `"O'Neil","Größe",,"${tag}",,,,,,"{}"`,
        '',
      ].join('\r\n'),
    )
  })

  it('a JSON export contains what the API shows, without links to photos', async () => {
    const shown = (await service.user.get(`/v1/customers?tag=${tag}&sort=name`)).body.data
    const rows = JSON.parse(await exportCustomers({ filter, format: 'json' }))
    expect(rows).toEqual(shown.map(({ photoUrl: _link, photoUrls: _links, ...rest }: Record<string, unknown>) => rest))
  })

  it('an export contains customers in the trash only if the filter names deletedAt', async () => {
    const deleted = (await service.user.post('/v1/customers', aCustomer({ tags: [`gone-${tag}`] }))).body
    await service.user.delete(`/v1/customers/${deleted.id}`)
    expect(await exportCustomers({ filter: { tag: `gone-${tag}` }, fields: ['id'] })).toBe('"id"\r\n')
    const trash = { tag: `gone-${tag}`, 'deletedAt[exists]': 'true' }
    expect(await exportCustomers({ filter: trash, fields: ['id'] })).toBe(`"id"\r\n"${deleted.id}"\r\n`)
  })

  it('an exported file can be imported again and changes nothing', async () => {
    const fields = ['id', 'name', 'surname', 'email', 'phone', 'tags', 'address', 'locale', 'smsOptOut']
    const files = createImportClient(service.user)
    for (const format of ['csv', 'json'] as const) {
      const file = await exportCustomers({ filter, fields, format })
      const type = format === 'csv' ? 'text/csv' : 'application/json'
      const checked = await files.check(file, { matchBy: 'id' }, type)
      expect((await files.commit(checked.id)).counts).toEqual(counts({ skipped: 2 }))
    }
  })

  it('POST /v1/exports returns 401 without a token', async () => {
    expect((await client(service.url).post('/v1/exports', {})).status).toBe(401)
  })
})
