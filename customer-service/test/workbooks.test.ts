import { readFile } from 'node:fs/promises'
import { writeTable } from '@clientele/features/tables/writer'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { collect } from '../../features/test/table-files.ts'
import { makeWorkbook, packFiles, readSheetRows, unpack } from '../../features/test/workbook-files.ts'
import { counts, createImportClient } from './import-client.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

const workbookType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
let service: Running
let files: ReturnType<typeof createImportClient>
beforeAll(async () => {
  service = await startCustomers()
  files = createImportClient(service.user)
}, 60_000)
afterAll(() => service?.stop())

const fixture = (name: string) => readFile(new URL(`../../features/test/fixtures/${name}`, import.meta.url))
const find = async (field: string, value: string) =>
  (await service.user.get(`/v1/customers?${field}=${encodeURIComponent(value)}`)).body.data
const email = () => aCustomer()['email'] as string
const cell = (value: string, type = 'str') => `<c t="${type}"><v>${value}</v></c>`
const row = (...values: string[]) =>
  `<row>${values.map((value) => (value.startsWith('<') ? value : cell(value))).join('')}</row>`
const header = row('First name', 'Last name', 'Email', 'Postcode')
/** Downloads a file of a job as bytes. */
const download = async (url: string | null): Promise<Buffer> => {
  const { token } = await signedInAs('user')
  const response = await fetch(new URL(url ?? '', service.url), { headers: { authorization: `Bearer ${token}` } })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, workbookType])
  return Buffer.from(await response.arrayBuffer())
}

describe('Imports of workbooks and archives', () => {
  it('a workbook is imported by the names of its columns', async () => {
    const checked = await files.check(await fixture('contacts.xlsx'), { name: 'contacts.xlsx' }, workbookType)
    expect(checked).toMatchObject({
      ...{ format: 'xlsx', delimiter: null, encoding: 'utf-8', sheet: 'Sheet', sheets: ['Sheet'] },
      mapping: { 'First name': 'name', 'Last name': 'surname', Email: 'email' },
      counts: counts({ created: 1 }),
    })
    expect((await files.commit(checked.id)).counts).toEqual(counts({ created: 1 }))
    expect(await find('email', 'ana.x@example.com')).toMatchObject([{ name: 'Ana', surname: 'Berg' }])
  })

  it('an archive with one table is imported as the table', async () => {
    for (const type of ['application/zip', 'text/csv', 'application/octet-stream']) {
      const checked = await files.check(await fixture('mailchimp.zip'), {}, type)
      expect(checked).toMatchObject({ format: 'csv', delimiter: ',', sheet: null, sheets: [], total: 1 })
    }
    const several = await files.send(
      await packFiles({ 'a.csv': 'name\nAna', 'b.csv': 'name\nBo' }),
      {},
      'application/zip',
    )
    expect([several.status, several.body.errors]).toEqual([
      422,
      [{ pointer: '/file', code: 'several_tables', message: expect.stringContaining('"a.csv", "b.csv"') }],
    ])
  })

  it('values are imported as the workbook shows them', async () => {
    const address = email()
    const styled = (style: number, value: string) => `<c s="${style}"><v>${value}</v></c>`
    const rows =
      row('name', 'surname', 'email', 'phone', 'postal code', 'sms opt out', 'metadata.since') +
      row('Ana', 'Berg', address, styled(0, '2.54711000111E+11'), styled(1, '1067'), cell('1', 'b'), styled(2, '46356'))
    const workbook = await makeWorkbook({ sheets: [{ rows }], formats: ['00000', 'dd.mm.yyyy'] })
    const checked = await files.check(workbook, {
      mapping: JSON.stringify({
        ...{
          name: 'name',
          surname: 'surname',
          email: 'email',
          phone: 'externalId',
          'postal code': 'address.postalCode',
        },
        ...{ 'sms opt out': 'smsOptOut', 'metadata.since': 'metadata.since' },
      }),
    })
    expect((await files.commit(checked.id)).counts).toEqual(counts({ created: 1 }))
    const [customer] = await find('email', address)
    expect(customer).toMatchObject({
      ...{ externalId: '254711000111', smsOptOut: true, metadata: { since: '2026-11-30' } },
      address: { postalCode: '01067' },
    })
  })

  it('the sheet is chosen by name or number, as a parameter or in a form before the file', async () => {
    const sheets = ['People', 'More'].map((name) => ({ name, rows: header + row(name, 'Berg', email()) }))
    const workbook = await makeWorkbook({ sheets })
    expect(await files.check(workbook)).toMatchObject({ sheet: 'People', sheets: ['People', 'More'] })
    for (const sheet of ['More', '2'])
      expect(await files.check(workbook, { sheet })).toMatchObject({ sheet: 'More', total: 1 })
    const post = async (...parts: [name: string, value: string | Blob][]) => {
      const form = new FormData()
      for (const [name, value] of parts) form.append(name, value)
      return service.user.raw('POST', '/v1/imports', { body: form })
    }
    const file = new Blob([workbook])
    expect((await post(['sheet', 'More'], ['file', file])).body).toMatchObject({ sheet: 'More' })
    expect((await post(['file', file], ['sheet', 'More'])).body.errors).toMatchObject([{ pointer: '/sheet' }])
  })

  it.each([
    ['an unknown sheet', { sheet: 'Nobody' }, '/sheet', /"People"/],
    ['an empty sheet', { sheet: 'Empty' }, '/file', /"Empty" is empty.*"People"/],
  ])('POST /v1/imports returns 422 for %s', async (_what, query, pointer, message) => {
    const workbook = await makeWorkbook({
      sheets: [
        { name: 'People', rows: header },
        { name: 'Empty', rows: '' },
      ],
    })
    const { status, body } = await files.send(workbook, query)
    expect([status, body.errors]).toEqual([
      422,
      [expect.objectContaining({ pointer, message: expect.stringMatching(message) })],
    ])
  })

  it('POST /v1/imports returns 422 for the options of a workbook if the file is none', async () => {
    const csv = 'name,email\nAna,ana@example.com\n'
    expect((await files.send(csv, { sheet: '1' })).body.errors).toMatchObject([{ pointer: '/sheet' }])
    expect((await files.send(csv, { format: 'xlsx' })).body.errors).toMatchObject([{ pointer: '/file' }])
    expect((await files.send(csv, {}, 'image/png')).body).toMatchObject({
      status: 415,
      detail: expect.stringContaining('text/csv'),
    })
  })

  it('#N/A is an empty cell, and rows with other errors of formulas fail', async () => {
    const rows =
      header +
      row('Ana', 'Berg', email(), cell('#N/A', 'e')) +
      row(cell('#REF!', 'e'), 'Berg', email(), '1') +
      row('Bo', 'Berg', email(), '<c><f>A1</f><v/></c>')
    const checked = await files.check(await makeWorkbook({ sheets: [{ rows }] }))
    expect(checked.counts).toEqual(counts({ created: 1, failed: 2 }))
    expect(checked.errors).toMatchObject([
      { row: 3, pointer: '/name', code: 'formula_error', message: expect.stringMatching(/First name .*#REF!/) },
      { row: 4, pointer: '/address/postalCode', message: expect.stringMatching(/Postcode .*never calculated/) },
    ])
  })

  it('the error file of a workbook is a workbook, which can be corrected and imported', async () => {
    const good = email()
    const rows =
      header +
      row('Ana', 'Berg', 'no address', '01067') +
      row('Bo', 'Berg', good, '1') +
      row('', 'Berg', email(), '=1+1')
    const checked = await files.check(await makeWorkbook({ sheets: [{ rows }] }))
    const done = await files.commit(checked.id)
    expect(done.counts).toEqual(counts({ created: 1, failed: 2 }))
    const errors = await download(done.errorsUrl)
    expect(await readSheetRows(errors)).toMatchObject([
      {
        ...{
          'First name': 'Ana',
          'Last name': 'Berg',
          Email: 'no address',
          Postcode: '01067',
          row: '2',
          field: 'email',
        },
        reason: expect.stringContaining('Email'),
      },
      { 'First name': '', Postcode: '=1+1', row: '4', field: 'name' },
    ])
    const again = await files.check(errors)
    expect(again).toMatchObject({ format: 'xlsx', counts: counts({ failed: 2 }) })
  })
})

describe('Exports of workbooks', () => {
  const exportCustomers = async (body: object): Promise<Buffer> => {
    const { headers } = await service.user.post('/v1/exports', body)
    const job = await eventually(async () => {
      const job = (await service.user.get(headers.get('location') as string)).body
      expect(job).toMatchObject({ kind: 'export', status: 'succeeded' })
      return job
    })
    return download(job.resultUrl)
  }

  it('an exported workbook that is changed and imported changes who it says', async () => {
    const tag = `sheet-${process.pid}`
    const people = [
      { name: 'Ana', surname: '=cmd|x', phone: '+254711000111', tags: [tag, 'a;b'], address: { postalCode: '01067' } },
      { name: "'5", surname: 'Größe', tags: [tag], smsOptOut: true },
    ]
    const ids: string[] = []
    for (const person of people) ids.push((await service.user.post('/v1/customers', aCustomer(person))).body.id)
    const fields = ['id', 'name', 'surname', 'email', 'phone', 'tags', 'address', 'locale', 'smsOptOut']
    const workbook = await exportCustomers({ format: 'xlsx', gzip: true, filter: { tag, sort: 'createdAt' }, fields })
    expect((await unpack(workbook)).info).toEqual({ workbook: { sheet: 'customers', sheets: ['customers'] } })
    const unchanged = await files.check(workbook, { matchBy: 'id' }, workbookType)
    expect(unchanged).toMatchObject({ format: 'xlsx', counts: counts({ skipped: 2 }) })

    const rows = await readSheetRows(workbook)
    async function* changed() {
      yield rows.map((each, index) => (index === 0 ? { ...each, surname: 'Changed' } : each))
    }
    const columns = Object.keys(rows[0] ?? {})
    const file = await collect(writeTable(changed(), { format: 'xlsx', columns }).chunks)
    const checked = await files.check(file, { matchBy: 'id' }, workbookType)
    expect((await files.commit(checked.id)).counts).toEqual(counts({ updated: 1, skipped: 1 }))
    const customers = await Promise.all(ids.map(async (id) => (await service.user.get(`/v1/customers/${id}`)).body))
    expect(customers).toMatchObject([{ ...people[0], surname: 'Changed' }, people[1]])
  })
})
