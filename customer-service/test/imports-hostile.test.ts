import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { counts, csv, importing } from './importing.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

const maxBytes = 2_000_000
let service: Running
let files: ReturnType<typeof importing>
beforeAll(async () => {
  service = await startCustomers({ importMaxBytes: maxBytes, importMaxRows: 20_000 })
  files = importing(service.user)
})
afterAll(() => service?.stop())

const row = (fields: Record<string, string> = {}) => aCustomer(fields) as Record<string, string>
const storedFiles = async () =>
  (await service.db.query<{ n: number }>('select count(*)::int as n from job_files'))[0]?.n
const header = 'name,surname,email\n'

describe('a file that is none', () => {
  it.each([
    ['too large', `${header}${'a,b,c@example.com\n'.repeat(150_000)}`, 413, 'too_large'],
    ['one line without an end', 'x'.repeat(3_000_000), 413, 'too_large'],
    ['a bomb of gzip', gzipSync(Buffer.alloc(50_000_000, 'a')), 413, 'too_large'],
    ['empty', '', 422, 'no_columns'],
    [
      'of ten thousand columns',
      `${Array.from({ length: 10_000 }, (_, n) => `c${n}`).join(',')}\n`,
      422,
      'too_many_columns',
    ],
    ['with the same header twice', 'email,email\na@example.com,b\n', 422, 'duplicate_header'],
    ['broken gzip', gzipSync('name,email\n').subarray(0, 15), 422, 'unexpected_end'],
  ])('is refused: %s', async (_what, file, status, code) => {
    const before = await storedFiles()
    const answer = await files.send(file)
    expect([answer.status, answer.body.errors?.[0]?.code ?? answer.body.code]).toEqual([status, code])
    if (status === 413) expect(answer.body.limit).toBe(maxBytes)
    expect(await storedFiles()).toBe(before)
  })

  it('is refused where it is not in the charset that was said, or in none that is known', async () => {
    const wrong = await files.send(Buffer.from([...Buffer.from(header), 0xff, 0xfe, 0x0a]), { encoding: 'utf-8' })
    expect(wrong.body.errors).toEqual([expect.objectContaining({ pointer: '/file', code: 'wrong_encoding' })])
    const unknown = await files.send(`${header}a,b,c`, { encoding: 'klingon' })
    expect(unknown.body.errors).toEqual([expect.objectContaining({ pointer: '/encoding', code: 'unknown_charset' })])
  })

  it('has a name without control characters: refused in the address, left out of the name that a form gives', async () => {
    const refused = await files.send(`${header}a,b,c`, { name: 'a\0b' })
    expect([refused.status, refused.body.errors[0].parameter]).toEqual([400, 'name'])
    const form = new FormData()
    form.set('file', new Blob([`${header}Ana,Lovelace,\n`]), 'cus\u0085tomers.csv')
    const { status, body } = await service.user.raw('POST', '/v1/imports', { body: form })
    expect([status, body.name]).toEqual([202, 'customers.csv'])
  })

  it('leaves nothing where it breaks off', async () => {
    const before = await storedFiles()
    const { token } = await tokenFor('user')
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'text/csv', 'content-length': '1000000' }
    const sending = request(`${service.url}/v1/imports`, { method: 'POST', headers })
    sending.on('error', () => {})
    sending.write(header + 'a,b,c\n'.repeat(1_000))
    await eventually(async () => expect(await storedFiles()).toBe((before ?? 0) + 1))
    sending.destroy()
    await eventually(async () => expect(await storedFiles()).toBe(before))
  })

  it.each([
    ['quotes that never close', `${header}a,b,"${'c'.repeat(1_900_000)}`],
    ['too many rows', `${header}${'a,b,\n'.repeat(20_001)}`],
    ['JSON that ends early', `[${'{"name":"a","surname":"b"},'.repeat(5_000)}`],
  ])('fails in the dry run, with a reason: %s', async (_what, file) => {
    const { id, status, error } = await files.check(file, { format: file.startsWith('[') ? 'json' : 'csv' })
    expect([status, error]).toEqual(['failed', { code: expect.any(String), message: expect.stringContaining('file') }])
    expect((await service.user.post(`/v1/imports/${id}/commit`, {})).status).toBe(409)
  })
})

describe('rows that are none', () => {
  it('fail alone: NUL bytes, lone surrogates, keys twice, no object, too long', async () => {
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

  it('come in as they are where they are only odd: formulas, prototypes, the same e-mail again and again', async () => {
    const email = row()['email'] ?? ''
    const same = Array.from({ length: 3_000 }, (_, index) => ({ name: `N${index}`, surname: '=cmd()', email }))
    const { id } = await files.check(csv(same))
    expect((await files.commit(id)).counts).toEqual(counts({ created: 1, updated: 2_999 }))
    const [made] = (await service.user.get(`/v1/customers?email=${email}`)).body.data
    expect(made).toMatchObject({ name: 'N2999', surname: '=cmd()', version: 3_000 })
    expect((await files.undo(id)).counts).toMatchObject({ removed: 1 })
    const odd = `name,surname,__proto__,constructor\n${row()['name']},b,c,d\n`
    const { id: second, unmapped } = await files.check(odd)
    expect(unmapped).toEqual(['__proto__', 'constructor'])
    expect((await files.commit(second)).counts).toEqual(counts({ created: 1 }))
  })
})

describe('at the same time', () => {
  it('two imports of the same people end as if one had come after the other', async () => {
    const rows = Array.from({ length: 1_500 }, () => row())
    const turned = rows.toReversed().map((each) => ({ ...each, locale: 'sw' }))
    const others = importing(service.admin)
    const [first, second] = await Promise.all([files.check(csv(rows)), others.check(csv(turned))])
    const [one, two] = await Promise.all([files.commit(first.id), others.commit(second.id)])
    expect([one.status, two.status]).toEqual(['finished', 'finished'])
    expect(one.counts.created + two.counts.created).toBe(1_500)
    for (const { counts } of [one, two]) expect(counts).toMatchObject({ read: 1_500, failed: 0 })
    const emails = rows.map(({ email }) => email)
    const stored = await service.db.query<{ locale: string; n: number }>(
      'select locale, count(*)::int as n from customers where email = any($1) group by locale',
      [emails],
    )
    expect(stored).toEqual([{ locale: 'sw', n: 1_500 }])
  })

  it('an import and requests that take its values leave no row uncounted', async () => {
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
  })
})
