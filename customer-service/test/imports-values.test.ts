import { Address, Customer } from '@clientele/contracts/customer'
import { photoLinkFields } from '@clientele/contracts/media'
import { eventually } from '@clientele/platform/testing/wait'
import { counts, createImportClient, csv } from './import-client.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
let files: ReturnType<typeof createImportClient>
beforeAll(async () => {
  service = await startCustomers()
  files = createImportClient(service.user)
})
afterAll(() => service?.stop())

const createCustomer = async (fields: Record<string, unknown> = {}) =>
  (await service.user.post('/v1/customers', aCustomer(fields))).body
const getCustomer = async (id: string) => (await service.user.get(`/v1/customers/${id}`)).body
const findByEmail = async (email: string) => (await service.user.get(`/v1/customers?email=${email}`)).body.data[0]
const importFile = async (file: string | object[], query: Record<string, string> = {}) => {
  const { id } = await files.check(file, query)
  return files.commit(id)
}
const exportFile = async (body: object): Promise<string> => {
  const { headers } = await service.user.post('/v1/exports', body)
  const job = await eventually(async () => {
    const job = (await service.user.get(headers.get('location') as string)).body
    expect(job.status).toBe('succeeded')
    return job
  })
  return files.download(service.url, job.resultUrl)
}

describe('An export that is imported', () => {
  // Photos are uploaded. The others are set by the service.
  const unchangeable = [
    'photoMediaId',
    'userId',
    'createdAt',
    'createdBy',
    'updatedAt',
    'updatedBy',
    'version',
    'deletedAt',
  ]
  const keys = ['id', 'code']
  const changed = {
    ...{ externalId: null, name: 'Changed', surname: 'Changed', email: 'changed@example.com', phone: '+254711000999' },
    ...{ tags: ['other'], address: null, locale: 'sw', smsOptOut: true, metadata: { size: 'S', colour: 'blue' } },
  }

  it.each(['escape', 'keep'])(
    'every field of an export in CSV with formulas=%s comes back, except those that nobody sets',
    async (formulas) => {
      const original = await createCustomer({
        externalId: `back-${formulas}`,
        phone: '+254711000111',
        tags: ['a, b', 'c;d', '=e', '"f"', '[g', '* h', 'x ::: y'],
        address: { street: '1 Moi Avenue', city: 'Nairobi', postalCode: '00100', region: 'Nairobi', country: 'KE' },
        locale: 'en',
        metadata: { size: 'L', count: 5, 'a.b': true, formula: '=1+1', colour: 'red' },
      })
      const file = await exportFile({ filter: { externalId: original.externalId }, formulas })
      const fields = Object.keys(Customer.omit(photoLinkFields).shape)
      const columns = fields.flatMap((field) =>
        field === 'address' ? Object.keys(Address.shape).map((part) => `address.${part}`) : field,
      )
      const actorColumns = (column: string) => (/By$/.test(column) ? [`${column}.displayName`, `${column}.id`] : column)
      const { columns: sent, unmapped, matchBy } = await files.check(file)
      expect(sent).toEqual(columns.flatMap(actorColumns))
      expect(unmapped).toEqual(unchangeable.flatMap(actorColumns))
      expect(matchBy).toBe('id')

      const { status } = await service.user.patch(`/v1/customers/${original.id}`, changed)
      expect(status).toBe(200)
      expect(Object.keys(changed).sort()).toEqual(
        fields.filter((field) => ![...keys, ...unchangeable].includes(field)).sort(),
      )
      expect((await importFile(file)).counts).toEqual(counts({ updated: 1 }))
      const after = await getCustomer(original.id)
      for (const field of Object.keys(changed)) expect([field, after[field]]).toEqual([field, original[field]])
    },
  )
})

describe('A column with a JSON object for metadata', () => {
  it('its keys are merged with those of the customer, and columns of their own win', async () => {
    const { id, email } = await createCustomer({ metadata: { size: 'M', kept: 1, gone: 'x' } })
    const rows = [{ email, metadata: '{"size":"L","vip":true,"gone":null,"n":2.5}', 'metadata.size': 'XL' }]
    expect((await importFile(csv(rows))).counts).toEqual(counts({ updated: 1 }))
    expect((await getCustomer(id)).metadata).toEqual({ size: 'XL', kept: 1, vip: true, n: 2.5 })
    const turned = [{ 'metadata.size': 'S', email, metadata: '{"size":"L","__proto__":"own"}' }]
    expect((await importFile(csv(turned))).counts).toEqual(counts({ updated: 1 }))
    expect((await getCustomer(id)).metadata).toEqual({ size: 'S', kept: 1, vip: true, n: 2.5 })
  })

  it.each(['{"size":"L"', '[1]', '5', 'null', '"x"'])('the row with %s fails', async (metadata) => {
    const rows = [
      { ...aCustomer(), metadata: '{}' },
      { ...aCustomer(), metadata, 'metadata.size': 'L' },
    ]
    const { errors, counts: done } = await files.check(csv([...rows, { ...aCustomer(), metadata: '' }]))
    expect(done).toEqual(counts({ created: 2, failed: 1 }))
    expect(errors).toEqual([
      {
        row: 3,
        pointer: '/metadata',
        code: 'invalid_json',
        message: 'metadata must be a JSON object such as {"size":"L"}',
      },
    ])
  })

  it('a column of notes that is called metadata is left out with a warning', async () => {
    const checked = await files.check(csv([{ ...aCustomer(), Metadata: 'likes tea' }]))
    expect(checked).toMatchObject({ unmapped: ['Metadata'], counts: counts({ created: 1 }) })
    expect(checked.warnings).toContainEqual({
      code: 'contradicted',
      column: 'Metadata',
      message: 'Metadata is left out, because values such as likes tea are no JSON objects',
    })
  })

  it('nested objects of JSON are still read key by key, and null clears them', async () => {
    const { id, email } = await createCustomer({ metadata: { size: 'M' } })
    await importFile([{ email, metadata: { colour: 'red' } }])
    expect((await getCustomer(id)).metadata).toEqual({ size: 'M', colour: 'red' })
    await importFile([{ email, metadata: null }])
    expect((await getCustomer(id)).metadata).toEqual({})
  })
})

describe('Imports with tags=add', () => {
  it('tags are added behind those of the customer, without repeating one, and undo takes them off', async () => {
    const { id, email } = await createCustomer({ tags: ['vip', 'old'] })
    const file = csv([
      { email, tags: 'newsletter; vip' },
      { email, tags: 'late' },
      { email, tags: '' },
    ])
    const checked = await files.check(file, { tags: 'add' })
    expect(checked).toMatchObject({ tags: 'add', counts: counts({ updated: 2, skipped: 1 }) })
    expect((await files.commit(checked.id)).counts).toEqual(counts({ updated: 2, skipped: 1 }))
    expect((await getCustomer(id)).tags).toEqual(['vip', 'old', 'newsletter', 'late'])
    expect((await files.undo(checked.id)).counts).toMatchObject({ restored: 1 })
    expect((await getCustomer(id)).tags).toEqual(['vip', 'old'])
  })

  it('a row that would give a customer too many tags fails, and a new customer gets the tags of the row', async () => {
    const { id, email } = await createCustomer({ tags: Array.from({ length: 49 }, (_, n) => `t${n}`) })
    const newRow = aCustomer()
    const done = await importFile(
      csv([
        { email, tags: 't1;a;b' },
        { email, tags: 'a' },
        { ...newRow, tags: 'a;b' },
      ]),
      { tags: 'add' },
    )
    expect(done).toMatchObject({
      counts: counts({ created: 1, updated: 1, failed: 1 }),
      errors: [
        {
          row: 2,
          pointer: '/tags',
          code: 'too_big',
          message: 'tags would give the customer 51 tags, and at most 50 are allowed',
        },
      ],
    })
    expect((await getCustomer(id)).tags).toHaveLength(50)
    expect((await findByEmail(newRow.email)).tags).toEqual(['a', 'b'])
  })

  it('without the option tags are replaced, and it can be changed after the upload', async () => {
    const { id, email } = await createCustomer({ tags: ['vip'] })
    const checked = await files.check([{ email, tags: ['newsletter'] }])
    expect(checked.tags).toBe('replace')
    expect((await service.user.patch(`/v1/imports/${checked.id}`, { tags: 'add' })).status).toBe(202)
    await files.rest(checked.id)
    await files.commit(checked.id)
    expect((await getCustomer(id)).tags).toEqual(['vip', 'newsletter'])
    await importFile(
      [
        { email, tags: ['only'] },
        { email, tags: null },
      ],
      { tags: 'add' },
    )
    expect((await getCustomer(id)).tags).toEqual(['vip', 'newsletter', 'only'])
    await importFile([{ email, tags: ['only'] }])
    expect((await getCustomer(id)).tags).toEqual(['only'])
  })
})

describe('Telephone numbers and countries of an import', () => {
  it('an extension is kept as metadata, and a number with a second ending is refused', async () => {
    const rows = [
      '+49 30 901820 ext. 12',
      '+49 30 901820x13',
      '+49 30 901820 Durchwahl 14',
      '+49 30 1234567/68',
      '+49 (0)30/901820',
    ].map((phone) => ({ ...aCustomer(), phone }))
    const done = await importFile(csv(rows))
    expect(done.counts).toEqual(counts({ created: 4, failed: 1 }))
    expect(done.errors).toMatchObject([
      { row: 5, pointer: '/phone', message: expect.stringContaining('one telephone number') },
    ])
    const found = await Promise.all(rows.map(({ email }) => findByEmail(email)))
    expect(found.map((customer) => customer && [customer.phone, customer.metadata])).toEqual([
      ['+4930901820', { phoneExtension: '12' }],
      ['+4930901820', { phoneExtension: '13' }],
      ['+4930901820', { phoneExtension: '14' }],
      undefined,
      ['+4930901820', {}],
    ])
  })

  it('a national number is read by the country of its row or else of the import', async () => {
    const rows = [
      { ...aCustomer(), phone: '030 901820', country: 'de' },
      { ...aCustomer(), phone: '030 901820', country: '' },
      { ...aCustomer(), phone: '0711 000 111', country: '' },
    ]
    const done = await importFile(csv(rows), { country: 'DE' })
    expect(done.counts).toEqual(counts({ created: 3 }))
    expect((await findByEmail(rows[1]?.email ?? '')).phone).toBe('+4930901820')
  })

  it('the codes UK and XK are read, and a code that no country has fails the row', async () => {
    const rows = ['UK', 'XK', 'XX', 'ZZ', 'EU'].map((country) => ({ ...aCustomer(), country }))
    const done = await importFile(csv(rows))
    expect(done.counts).toEqual(counts({ created: 2, failed: 3 }))
    expect((await findByEmail(rows[0]?.email ?? '')).address).toEqual({ country: 'GB' })
    expect(done.errors[0]).toMatchObject({
      row: 4,
      pointer: '/address/country',
      message: expect.stringContaining('ISO 3166-1'),
    })
  })
})
