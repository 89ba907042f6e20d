import { createImportClient, csv } from './import-client.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
let files: ReturnType<typeof createImportClient>
beforeAll(async () => {
  service = await startCustomers()
  files = createImportClient(service.user)
})
afterAll(() => service?.stop())

const header = 'First name,Last name'
const noMatchKey = {
  code: 'no_match_key',
  column: null,
  message:
    'no column goes into email, by which rows find existing customers; each import of this file creates its customers again',
}

describe('Warnings of an import', () => {
  it('a file whose rows are matched by a mapped column has none', async () => {
    expect((await files.check(csv([aCustomer()]))).warnings).toEqual([])
  })

  it('a file without the match key is warned of, until its mapping or its match key is changed', async () => {
    const { id, warnings } = await files.check(`${header},Nr\nAna,Berg,7\n`)
    expect(warnings).toEqual([noMatchKey])
    const change = async (patch: object) => {
      expect((await service.user.patch(`/v1/imports/${id}`, patch)).status).toBe(202)
      return (await files.rest(id)).warnings
    }
    expect(await change({ matchBy: 'externalId' })).toMatchObject([{ code: 'no_match_key' }])
    expect(await change({ mapping: { 'First name': 'name', 'Last name': 'surname', Nr: 'externalId' } })).toEqual([])
    expect(await change({ onMatch: 'skip' })).toEqual([])
    expect(await change({ matchBy: 'email' })).toEqual([noMatchKey])
  })

  it.each([
    [
      'Unsubscribed with times',
      `${header},Email,Unsubscribed\nAna,Berg,a21d@example.com,2024-02-01 10:00\n`,
      'Unsubscribed',
      'Unsubscribed is left out, because values such as 2024-02-01 10:00 are neither yes nor no',
    ],
    [
      'a repeated reference',
      `${header},Email,Reference\nAna,Berg,a16@example.com,Facebook\nBen,Cole,a16b@example.com,Facebook\n`,
      'Reference',
      'Reference is left out, because its values are no ids of customers: more than one row has Facebook',
    ],
    [
      'a repeated code',
      `${header},Email,Code\nAna,Berg,a16@example.com,A\nBen,Cole,a16b@example.com,A\n`,
      'Code',
      'Code is left out, because its values are no ids of customers: more than one row has A',
    ],
  ])(
    'a column whose values contradict its name is left out with a warning: %s',
    async (_what, file, column, message) => {
      const { id, warnings, unmapped } = await files.check(file)
      expect([unmapped, warnings]).toEqual([[column], [{ code: 'contradicted', column, message }]])
      const mapping = { 'First name': 'name', 'Last name': 'surname', Email: 'email', [column]: 'metadata.note' }
      await service.user.patch(`/v1/imports/${id}`, { mapping })
      expect((await files.rest(id)).warnings).toEqual([])
    },
  )

  it('e-mail addresses and telephone numbers that rows have in another column only are warned of', async () => {
    const { warnings, unmapped } = await files.check(
      `${header},Email,Billing email,Mobile,Landline\nAna,Berg,,ana@example.com,+4915123456789,\nBen,Cole,ben@example.com,b@example.com,,030 901820\n`,
    )
    expect(unmapped).toEqual(['Billing email', 'Landline'])
    expect(warnings).toEqual([
      {
        code: 'unmapped_email',
        column: 'Billing email',
        message: '1 of the first 2 rows has an e-mail address only in Billing email, which is not imported',
      },
      {
        code: 'unmapped_phone',
        column: 'Landline',
        message: '1 of the first 2 rows has a telephone number only in Landline, which is not imported',
      },
    ])
  })

  it('odd values in JSON do no harm', async () => {
    const rows = [{ ...aCustomer(), constructor: 1, list: [{ toString: 1 }], reference: null }, { ...aCustomer() }]
    expect((await files.check(rows)).warnings).toEqual([])
  })

  it('the mapping is in the order of the columns', async () => {
    const file = `Mobile,E-mail address,City,First name,Last name,Zip\n+254711000111,a@example.com,Nairobi,Ana,Berg,00100\n`
    const { body } = await files.send(file)
    const order = ['Mobile', 'E-mail address', 'City', 'First name', 'Last name', 'Zip']
    expect(Object.keys(body.mapping)).toEqual(order)
    expect(Object.keys((await files.rest(body.id)).mapping)).toEqual(order)
  })

  it('a repeated header gets a number, by which it can be mapped', async () => {
    const file = 'Email Address,First Name,Last Name,Email Address\na@example.com,Ana,Berg,b@example.com\n'
    const { id, columns, mapping } = await files.check(file)
    expect(columns).toEqual(['Email Address', 'First Name', 'Last Name', 'Email Address (2)'])
    expect(mapping).toEqual({ 'Email Address': 'email', 'First Name': 'name', 'Last Name': 'surname' })
    const chosen = { 'Email Address (2)': 'email', 'First Name': 'name', 'Last Name': 'surname' }
    await service.user.patch(`/v1/imports/${id}`, { mapping: chosen })
    await files.rest(id)
    await files.commit(id)
    expect((await service.user.get('/v1/customers?email=b@example.com')).body.data).toHaveLength(1)
  })
})
