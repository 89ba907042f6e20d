import { cleanUpImports } from '@clientele/features/imports/import.cleanup'
import { cleanUpJobs } from '@clientele/features/jobs/job.cleanup'
import type { EventSubscription } from '@clientele/platform/testing/broker'
import { client } from '@clientele/platform/testing/client'
import { createSignedInUser } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { counts, createImportClient, csv } from './import-client.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
let tap: EventSubscription
let files: ReturnType<typeof createImportClient>
beforeAll(async () => {
  service = await startCustomers()
  tap = await service.broker.subscribe()
  files = createImportClient(service.user)
})
afterAll(() => service?.stop())

const row = (fields: Record<string, string> = {}) => aCustomer(fields) as Record<string, string>
const createCustomer = async (fields: Record<string, unknown> = {}) =>
  (await service.user.post('/v1/customers', aCustomer(fields))).body
const getCustomer = async (id: string) => (await service.user.get(`/v1/customers/${id}`)).body
const findByEmail = async (email = '') => (await service.user.get(`/v1/customers?email=${email}`)).body.data[0]

describe('POST /v1/imports/{id}/undo', () => {
  it('an undo moves created customers to the trash and restores changed ones, with events', async () => {
    const existing = await createCustomer({ tags: ['a'], address: { city: 'Nairobi' }, metadata: { size: 'L' } })
    const newRow = row()
    const { id } = await files.check([
      { ...newRow, tags: ['new'] },
      { ...newRow, locale: 'sw' },
      { email: existing.email, name: 'Changed', tags: ['b'], address: { city: 'Lagos' }, metadata: { size: 'M' } },
      { email: existing.email, surname: 'Twice' },
    ])
    expect((await files.commit(id)).counts).toEqual(counts({ created: 1, updated: 3 }))
    const created = await findByEmail(newRow['email'])
    expect(await files.undo(id)).toMatchObject({
      status: 'succeeded',
      counts: { removed: 1, restored: 1, kept: 0 },
      errorsUrl: null,
    })
    expect((await files.get(id)).status).toBe('undone')
    const { version, updatedAt: _a, updatedBy: _b, ...before } = existing
    expect(await getCustomer(existing.id)).toMatchObject({ ...before, version: version + 3 })
    expect((await getCustomer(created.id)).status).toBe(404)
    expect((await tap.next('customer.deleted.v1', created.id)).data).toMatchObject({ version: 3 })
    expect((await service.user.post(`/v1/customers/${created.id}/restore`)).status).toBe(200)
    expect((await service.user.post(`/v1/imports/${id}/undo`)).status).toBe(409)
  })

  it('an undo keeps customers that were changed or purged since the import, and reports them', async () => {
    const [edited, purged, untouched] = [await createCustomer(), await createCustomer(), await createCustomer()]
    const newRow = row()
    const changed = [edited, purged, untouched].map(({ email }) => ({ email, name: 'Imported' }))
    const { id } = await files.check(csv([...changed, newRow]))
    await files.commit(id)
    const created = await findByEmail(newRow['email'])
    await service.user.patch(`/v1/customers/${edited.id}`, { locale: 'en' })
    await service.user.patch(`/v1/customers/${created.id}`, { locale: 'en' })
    await service.admin.delete(`/v1/customers/${purged.id}?purge=true`)
    const job = await files.undo(id)
    expect(job.counts).toMatchObject({ removed: 0, restored: 1, kept: 3 })
    expect([(await getCustomer(edited.id)).name, (await getCustomer(untouched.id)).name]).toEqual([
      'Imported',
      untouched.name,
    ])
    expect((await getCustomer(created.id)).locale).toBe('en')
    const errorFile = await files.download(service.url, job.errorsUrl)
    expect(errorFile.split('\r\n')[0]).toBe('"id","field","reason"')
    for (const { id } of [edited, created]) expect(errorFile).toContain(`"${id}",,"the customer was changed since`)
    expect(errorFile).toContain(`"${purged.id}",,"the customer was purged`)
  })

  it('an undo restores unique values that the import passed from customer to customer', async () => {
    const [a, b, c] = [await createCustomer(), await createCustomer(), await createCustomer()]
    const rotated = csv([
      { code: a.code, email: `moved.${a.email}` },
      { code: b.code, email: a.email },
      { code: c.code, email: b.email },
    ])
    const { id } = await files.check(rotated, { matchBy: 'code' })
    expect((await files.commit(id)).counts).toEqual(counts({ updated: 3 }))
    expect((await getCustomer(c.id)).email).toBe(b.email)
    expect((await files.undo(id)).counts).toMatchObject({ restored: 3, kept: 0 })
    const now = await Promise.all([a, b, c].map(async ({ id }) => (await getCustomer(id)).email))
    expect(now).toEqual([a.email, b.email, c.email])
  })

  it('an undo reports a customer whose former e-mail now belongs to another customer', async () => {
    const existing = await createCustomer()
    const { id } = await files.check(csv([{ code: existing.code, email: `new.${existing.email}` }]), {
      matchBy: 'code',
    })
    await files.commit(id)
    await createCustomer({ email: existing.email })
    const job = await files.undo(id)
    expect(job.counts).toMatchObject({ restored: 0, kept: 1 })
    expect(await files.download(service.url, job.errorsUrl)).toContain('another customer has its former e-mail')
  })
})

describe('Undo of several imports', () => {
  const importRows = async (rows: Record<string, string>[], query: Record<string, string> = {}) => {
    const { id } = await files.check(csv(rows), query)
    await files.commit(id)
    return id
  }

  it('imports that changed the same customers one after the other can be undone in reverse order', async () => {
    const [existing, newRow] = [await createCustomer({ locale: 'en' }), row()]
    const first = await importRows([newRow, { email: existing.email, name: 'First' }])
    const second = await importRows([newRow, existing].map(({ email }) => ({ email, name: 'Second', locale: 'sw' })))
    const third = await importRows([newRow, existing].map(({ email }) => ({ email, name: 'Third' })))
    const created = await findByEmail(newRow['email'])
    for (const id of [third, second])
      expect((await files.undo(id)).counts).toEqual({ removed: 0, restored: 2, kept: 0 })
    expect(await getCustomer(existing.id)).toMatchObject({ name: 'First', locale: 'en' })
    expect((await files.undo(first)).counts).toEqual({ removed: 1, restored: 1, kept: 0 })
    expect(await getCustomer(existing.id)).toMatchObject({ name: existing.name, locale: 'en' })
    expect((await getCustomer(created.id)).status).toBe(404)
  })

  it('an undo that kept customers can be repeated once the later import is undone', async () => {
    const [newRow, existing] = [row(), await createCustomer()]
    const first = await importRows([newRow, { email: existing.email, surname: 'First' }])
    const second = await importRows([{ email: newRow['email'] ?? '', name: 'Second' }])
    const created = await findByEmail(newRow['email'])
    const kept = await files.undo(first)
    expect(kept.counts).toEqual({ removed: 0, restored: 1, kept: 1 })
    expect(await files.download(service.url, kept.errorsUrl)).toContain(created.id)
    expect((await files.undo(first)).counts).toEqual({ removed: 0, restored: 0, kept: 1 })
    expect((await files.undo(second)).counts).toEqual({ removed: 0, restored: 1, kept: 0 })
    expect(await files.undo(first)).toMatchObject({ counts: { removed: 1, restored: 0, kept: 0 }, errorsUrl: null })
    expect((await getCustomer(created.id)).status).toBe(404)
    const again = await service.user.post(`/v1/imports/${first}/undo`)
    expect([again.status, again.body.detail]).toEqual([409, 'the import was undone, and nothing was kept'])
  })

  it('a repeated undo restores a customer whose former e-mail is free again', async () => {
    const existing = await createCustomer()
    const id = await importRows([{ code: existing.code, email: `moved.${existing.email}` }], { matchBy: 'code' })
    const other = await createCustomer({ email: existing.email })
    expect((await files.undo(id)).counts).toMatchObject({ restored: 0, kept: 1 })
    await service.user.delete(`/v1/customers/${other.id}`)
    expect((await files.undo(id)).counts).toMatchObject({ restored: 1, kept: 0 })
    expect((await getCustomer(existing.id)).email).toBe(existing.email)
  })

  it('a customer that somebody changed between two imports is kept by the undo of the first', async () => {
    const existing = await createCustomer()
    const first = await importRows([{ email: existing.email, name: 'First' }])
    await service.user.patch(`/v1/customers/${existing.id}`, { surname: 'By hand' })
    const second = await importRows([{ email: existing.email, name: 'Second' }])
    expect((await files.undo(second)).counts).toMatchObject({ restored: 1 })
    expect((await files.undo(first)).counts).toMatchObject({ restored: 0, kept: 1 })
    expect(await getCustomer(existing.id)).toMatchObject({ name: 'First', surname: 'By hand' })
  })

  it('a customer that others changed between two batches of an import does not count as restored to what it was', async () => {
    const existing = await createCustomer()
    const first = await importRows([{ email: existing.email, name: 'First' }])
    const second = await importRows([{ email: existing.email, name: 'Second' }])
    await service.db.query('update import_changes set base = null where import_id = $1', [second])
    await files.undo(second)
    expect((await files.undo(first)).counts).toMatchObject({ restored: 0, kept: 1 })
  })
})

describe('The error file', () => {
  it.each(['csv', 'json', 'ndjson'] as const)(
    'the error file in %s contains each failed row with its reason and can be corrected and imported again',
    async (format) => {
      const rows = [row(), { ...row(), email: 'nobody' }, { ...row(), phone: 'no-number', name: '=1+1' }, row()]
      const text = {
        csv: csv(rows).replaceAll(',', ';'),
        json: JSON.stringify(rows),
        ndjson: rows.map((each) => JSON.stringify(each)).join('\n'),
      }[format]
      const { id } = await files.check(text, { format })
      const done = await files.commit(id)
      expect(done.counts).toEqual(counts({ created: 2, failed: 2 }))
      const errors = await files.download(service.url, done.errorsUrl)
      const second = await files.check(errors, { format })
      expect(second.counts).toEqual(counts({ failed: 2 }))
      expect(errors).toMatch(
        format === 'csv' ? /;"row";"field";"reason";"row_text"\r\n/ : /"row":\d,"field":"email","reason":"email /,
      )
      const corrected = await files.check(
        errors.replace('nobody', row()['email'] ?? '').replace('no-number', '+254711000123'),
        { format },
      )
      const again = await files.commit(corrected.id)
      expect(again).toMatchObject({ counts: counts({ created: 2 }), errorsUrl: null })
      expect((await findByEmail(rows[2]?.['email'])).name).toBe('=1+1')
    },
  )
})

describe('The error file of rows that could not be read', () => {
  it('it contains the text of a row with too many cells or a stray quote', async () => {
    const { id } = await files.check('name,surname,email\nAna,Berg,Lane 1,a@example.com\nBen,"C"ole,b@example.com\n')
    const errors = await files.download(service.url, (await files.commit(id)).errorsUrl)
    expect(errors.split('\r\n').slice(0, 3)).toEqual([
      '"name","surname","email","row","field","reason","row_text"',
      expect.stringMatching(/,"Ana,Berg,Lane 1,a@example\.com"$/),
      expect.stringMatching(/,"Ben,""C""ole,b@example\.com"$/),
    ])
  })
})

describe('The error file of JSON rows that are no objects', () => {
  it.each([
    ['json', '[{"name":"Ana","email":"b"}, [1,2], "text", 5, {"name":"a","name":"b"}]'],
    ['ndjson', '{"name":"Ana","email":"b"}\n[1,2]\n"text"\n5\n{"name":"a","name":"b"}\n'],
  ])('it contains their text in %s', async (format, file) => {
    const { id } = await files.check(file, { format })
    const done = await files.commit(id)
    expect(done.counts).toEqual(counts({ failed: 5 }))
    const errors = await files.download(service.url, done.errorsUrl)
    const rows =
      format === 'json'
        ? JSON.parse(errors)
        : errors
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line))
    expect(rows.map((row: Record<string, unknown>) => [row['row'], row['row_text']])).toEqual([
      [1, undefined],
      [2, '[1,2]'],
      [3, '"text"'],
      [4, '5'],
      [5, '{"name":"a","name":"b"}'],
    ])
    expect(rows[0]).toMatchObject({ name: 'Ana', email: 'b' })
  })
})

describe('Access to imports', () => {
  it('an import is visible to its owner and to admins, and a link opens its error file', async () => {
    const other = client(service.url, (await createSignedInUser(['user'])).token)
    const { id, jobId, errorsUrl } = await files.check(csv([{ name: 'only' }]))
    expect((await other.get(`/v1/imports/${id}`)).status).toBe(404)
    expect((await other.post(`/v1/imports/${id}/commit`, {})).status).toBe(404)
    expect((await other.delete(`/v1/imports/${id}`)).status).toBe(404)
    expect((await other.get(`/v1/jobs/${jobId}`)).status).toBe(404)
    expect((await other.get(`/v1/jobs/${jobId}/errors`)).status).toBe(404)
    expect((await other.get('/v1/imports')).body.data).toEqual([])
    expect((await other.get('/v1/jobs')).body.data).toEqual([])
    expect((await service.admin.get(`/v1/imports/${id}`)).status).toBe(200)
    expect((await service.admin.get('/v1/jobs?kind=import.check')).body.data[0].id).toBe(jobId)
    const nobody = client(service.url)
    expect((await nobody.get(`/v1/jobs/${jobId}/errors`)).status).toBe(401)
    expect((await service.user.get(errorsUrl ?? '')).body).toContain('is required')
    const { body: link } = await service.user.post(`${errorsUrl}-link`)
    expect((await nobody.get(link.url)).body).toContain('is required')
    expect((await nobody.get(`${link.url}x`)).status).toBe(403)
  })
})

describe('Customer imports', () => {
  it('a cancelled import keeps the rows that it has written, can be continued, and can be undone', async () => {
    const rows = Array.from({ length: 6_000 }, () => row())
    const { id } = await files.check(csv(rows))
    const { body: job } = await service.user.post(`/v1/imports/${id}/commit`, {})
    await eventually(async () => expect((await files.get(id)).counts.created).toBeGreaterThan(0), { everyMs: 5 })
    expect((await service.user.delete(`/v1/imports/${id}`)).status).toBe(204)
    expect((await files.job(job.id)).status).toBe('cancelled')
    const { counts: half, status } = await files.get(id)
    expect([status, half.created < 6_000]).toEqual(['cancelled', true])
    expect((await tap.next('import.finished.v1', id)).data).toMatchObject({ status: 'cancelled', counts: half })
    expect(await files.commit(id)).toMatchObject({ status: 'finished', counts: counts({ created: 6_000 }) })
    expect((await files.undo(id)).counts).toMatchObject({ removed: 6_000 })
  })

  it('an import is removed with its jobs and files when it is deleted or expires', async () => {
    const [first, second] = [await files.check(csv([{ name: 'x' }])), await files.check(csv([row()]))]
    await files.commit(second.id)
    expect((await service.user.delete(`/v1/jobs/${first.jobId}`)).status).toBe(409)
    expect((await service.user.delete(`/v1/imports/${first.id}`)).status).toBe(204)
    expect((await service.user.get(`/v1/imports/${first.id}`)).status).toBe(404)
    expect((await service.user.get(`/v1/jobs/${first.jobId}`)).status).toBe(404)
    await service.db.query(`update imports set expires_at = now() - interval '1 second'`)
    await cleanUpImports(service.db, new AbortController().signal)
    await cleanUpJobs(service.db, new AbortController().signal)
    for (const table of ['imports', 'import_changes', 'jobs', 'job_files', 'job_file_chunks'])
      expect([table, await service.db.query(`select from ${table}`)]).toEqual([table, []])
  })
})
