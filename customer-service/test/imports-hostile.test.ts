import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { counts, createImportClient, csv } from './import-client.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

const maxBytes = 2_000_000
let service: Running
let files: ReturnType<typeof createImportClient>
beforeAll(async () => {
  service = await startCustomers({ importMaxBytes: maxBytes, importMaxRows: 20_000 })
  files = createImportClient(service.user)
})
afterAll(() => service?.stop())

const row = (fields: Record<string, string> = {}) => aCustomer(fields) as Record<string, string>
const storedFiles = async () =>
  (await service.db.query<{ n: number }>('select count(*)::int as n from job_files'))[0]?.n
const header = 'name,surname,email\n'

describe('Files that cannot be imported', () => {
  it.each([
    ['that is too large', `${header}${'a,b,c@example.com\n'.repeat(150_000)}`, 413, 'too_large'],
    ['that is one endless line', 'x'.repeat(3_000_000), 413, 'too_large'],
    ['that is a gzip bomb', gzipSync(Buffer.alloc(50_000_000, 'a')), 413, 'too_large'],
    ['that is empty', '', 422, 'no_columns'],
    [
      'with ten thousand columns',
      `${Array.from({ length: 10_000 }, (_, n) => `c${n}`).join(',')}\n`,
      422,
      'too_many_columns',
    ],
    ['with a NUL character in the header', 'name,e\0mail\nAna,a@example.com\n', 422, 'bad_header'],
    ['that is a damaged archive', Buffer.from('PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaaaacustomers.csv'), 422, 'bad_archive'],
    ['that is an empty archive', Buffer.from(`PK\x05\x06${'\0'.repeat(18)}`), 422, 'unknown_format'],
    ['in UTF-32', Buffer.from('n\0\0\0a\0\0\0\n\0\0\0A\0\0\0'), 422, 'bad_header'],
    ['that is broken gzip', gzipSync('name,email\n').subarray(0, 15), 422, 'unexpected_end'],
  ])('POST /v1/imports refuses a file %s', async (_what, file, status, code) => {
    const before = await storedFiles()
    const response = await files.send(file)
    expect([response.status, response.body.errors?.[0]?.code ?? response.body.code]).toEqual([status, code])
    if (status === 413) expect(response.body.limit).toBe(maxBytes)
    expect(await storedFiles()).toBe(before)
  })

  it('POST /v1/imports returns 422 if the file is not in the given encoding or the encoding is unknown', async () => {
    const wrong = await files.send(Buffer.from([...Buffer.from(header), 0xff, 0xfe, 0x0a]), { encoding: 'utf-8' })
    expect(wrong.body.errors).toEqual([expect.objectContaining({ pointer: '/file', code: 'wrong_encoding' })])
    const unknown = await files.send(`${header}a,b,c`, { encoding: 'klingon' })
    expect(unknown.body.errors).toEqual([expect.objectContaining({ pointer: '/encoding', code: 'unknown_charset' })])
  })

  it('a control character in the file name is refused in the query and removed from the name in a form', async () => {
    const refused = await files.send(`${header}a,b,c`, { name: 'a\0b' })
    expect([refused.status, refused.body.errors[0].parameter]).toEqual([400, 'name'])
    const form = new FormData()
    form.set('file', new Blob([`${header}Ana,Lovelace,\n`]), 'cus\u0085tomers.csv')
    const { status, body } = await service.user.raw('POST', '/v1/imports', { body: form })
    expect([status, body.name]).toEqual([202, 'customers.csv'])
  })

  it('a file name that is not UTF-8 is readable, and an option that is not UTF-8 is refused', async () => {
    const headers = { 'content-type': 'multipart/form-data; boundary=b' }
    const part = (head: string, content: string) =>
      `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${content}\r\n`
    const file = part('name="file"; filename="J\xf6rg.csv"', `${header}Jörg,Berg,\n`)
    const latin1 = (...parts: string[]) => Buffer.from(`${parts.join('')}--b--\r\n`, 'latin1')
    const { status, body } = await service.user.post('/v1/imports', latin1(file), headers)
    expect([status, body.name]).toEqual([202, 'J_rg.csv'])
    const before = await storedFiles()
    const refused = await service.user.post('/v1/imports', latin1(file, part('name="name"', 'J\xf6rg')), headers)
    expect([refused.status, refused.body.errors]).toEqual([
      422,
      [expect.objectContaining({ pointer: '/name', code: 'wrong_encoding' })],
    ])
    expect(await storedFiles()).toBe(before)
  })

  it('POST /v1/imports says which content types it takes', async () => {
    const { status, body } = await files.send('%PDF', {}, 'application/pdf')
    expect([status, body.detail]).toEqual([
      415,
      expect.stringMatching(/^send multipart\/form-data, text\/csv, .* or [\w/.-]+, not application\/pdf$/),
    ])
    expect(body.supported).toEqual(expect.arrayContaining(['multipart/form-data', 'text/csv', 'application/x-ndjson']))
  })

  it('an aborted upload leaves no file', async () => {
    const before = await storedFiles()
    const { token } = await signedInAs('user')
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'text/csv', 'content-length': '1000000' }
    const sending = request(`${service.url}/v1/imports`, { method: 'POST', headers })
    sending.on('error', () => {})
    sending.write(header + 'a,b,c\n'.repeat(1_000))
    await eventually(async () => expect(await storedFiles()).toBe((before ?? 0) + 1))
    sending.destroy()
    await eventually(async () => expect(await storedFiles()).toBe(before))
  })

  it.each([
    ['with a quote that is never closed', `${header}a,b,"${'c'.repeat(1_900_000)}`],
    ['with too many rows', `${header}${'a,b,\n'.repeat(20_001)}`],
    ['of JSON that ends early', `[${'{"name":"a","surname":"b"},'.repeat(5_000)}`],
  ])('the dry run of a file %s fails with a reason', async (_what, file) => {
    const { id, status, error } = await files.check(file, { format: file.startsWith('[') ? 'json' : 'csv' })
    expect([status, error]).toEqual(['failed', { code: expect.any(String), message: expect.stringContaining('file') }])
    expect((await service.user.post(`/v1/imports/${id}/commit`, {})).status).toBe(409)
  })
})

describe('Mappings that cannot be stored', () => {
  it.each([{ a: 'metadata.x\0y' }, { a: 'metadata.\ud800' }, { 'a\0': 'name' }])(
    'PATCH and commit return 422 for %j',
    async (mapping) => {
      const { id } = await files.check('a,b\n1,2\n')
      expect((await service.user.patch(`/v1/imports/${id}`, { mapping })).status).toBe(422)
      expect((await service.user.post(`/v1/imports/${id}/commit`, { mapping })).status).toBe(422)
      expect((await files.send('a,b\n1,2\n', { mapping: JSON.stringify(mapping) })).status).toBe(422)
    },
  )
})

describe('Rows that cannot be imported', () => {
  it('an invalid row fails alone: NUL character, lone surrogate, duplicate key, no object, too long, too many metadata keys', async () => {
    const good = row()
    const lines = [
      JSON.stringify({ ...row(), name: 'a\0b' }),
      '{"name":"\\ud800","surname":"b","email":"s@example.com"}',
      '{"name":"a","name":"b","surname":"c"}',
      '[1,2]',
      JSON.stringify({ ...row(), name: 'n'.repeat(201) }),
      JSON.stringify({ ...row(), metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`k${n}`, n])) }),
      JSON.stringify(good),
    ]
    const { id } = await files.check(lines.join('\n'), { format: 'ndjson' })
    const done = await files.commit(id)
    expect(done.counts).toEqual(counts({ created: 1, failed: 6 }))
    expect(done.errors.map(({ row, code }) => [row, code])).toEqual([
      [1, 'nul_character'],
      [2, 'lone_surrogate'],
      [3, 'duplicate_key'],
      [4, 'not_an_object'],
      [5, 'too_big'],
      [6, expect.any(String)],
    ])
  })

  it('formulas, prototype names as headers and thousands of rows with the same e-mail are imported as ordinary rows', async () => {
    const email = row()['email'] ?? ''
    const same = Array.from({ length: 3_000 }, (_, index) => ({ name: `N${index}`, surname: '=cmd()', email }))
    const { id } = await files.check(csv(same))
    expect((await files.commit(id)).counts).toEqual(counts({ created: 1, updated: 2_999 }))
    const [customer] = (await service.user.get(`/v1/customers?email=${email}`)).body.data
    expect(customer).toMatchObject({ name: 'N2999', surname: '=cmd()', version: 3_000 })
    expect((await files.undo(id)).counts).toMatchObject({ removed: 1 })
    const odd = `name,surname,__proto__,constructor\n${row()['name']},b,c,d\n`
    const { id: second, unmapped } = await files.check(odd)
    expect(unmapped).toEqual(['__proto__', 'constructor'])
    expect((await files.commit(second)).counts).toEqual(counts({ created: 1 }))
  })
})

describe('Concurrent imports and requests', () => {
  it('two concurrent imports of the same customers have the result of one after the other', async () => {
    const rows = Array.from({ length: 600 }, () => row())
    const reversed = rows.toReversed().map((row) => ({ ...row, locale: 'sw' }))
    const others = createImportClient(service.admin)
    const [first, second] = await Promise.all([files.check(csv(rows)), others.check(csv(reversed))])
    const [one, two] = await Promise.all([files.commit(first.id), others.commit(second.id)])
    expect([one.status, two.status]).toEqual(['finished', 'finished'])
    expect(one.counts.created + two.counts.created).toBe(600)
    for (const { counts } of [one, two]) expect(counts).toMatchObject({ read: 600, failed: 0 })
    const emails = rows.map(({ email }) => email)
    const stored = await service.db.query<{ locale: string; n: number }>(
      'select locale, count(*)::int as n from customers where email = any($1) group by locale',
      [emails],
    )
    expect(stored).toEqual([{ locale: 'sw', n: 600 }])
  }, 60_000)

  it('an import counts each row as created or failed while requests take e-mails of its rows', async () => {
    const rows = Array.from({ length: 2_000 }, () => row())
    const { id } = await files.check(csv(rows), { onMatch: 'fail' })
    const committed = files.commit(id)
    let taken = 0
    for (const each of rows.toReversed().slice(0, 150)) {
      const { status } = await service.user.post('/v1/customers', each)
      expect([201, 409]).toContain(status)
      if (status === 201) taken += 1
    }
    const { status, counts: done } = await committed
    expect([status, done]).toEqual(['finished', counts({ created: 2_000 - taken, failed: taken })])
  }, 60_000)
})
