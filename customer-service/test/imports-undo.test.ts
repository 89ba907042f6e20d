import { sweepImports } from '@clientele/features/imports/import.cleanup'
import { sweepJobs } from '@clientele/features/jobs/job.cleanup'
import type { Tap } from '@clientele/platform/testing/broker'
import { client } from '@clientele/platform/testing/client'
import { newPerson } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { counts, csv, importing } from './importing.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
let tap: Tap
let files: ReturnType<typeof importing>
beforeAll(async () => {
  service = await startCustomers()
  tap = await service.broker.tap()
  files = importing(service.user)
})
afterAll(() => service?.stop())

const row = (fields: Record<string, string> = {}) => aCustomer(fields) as Record<string, string>
const make = async (fields: Record<string, unknown> = {}) =>
  (await service.user.post('/v1/customers', aCustomer(fields))).body
const read = async (id: string) => (await service.user.get(`/v1/customers/${id}`)).body
const byEmail = async (email = '') => (await service.user.get(`/v1/customers?email=${email}`)).body.data[0]

describe('undo', () => {
  it('trashes what was made and restores what was changed, with events', async () => {
    const there = await make({ tags: ['a'], address: { city: 'Nairobi' }, metadata: { size: 'L' } })
    const fresh = row()
    const { id } = await files.check([
      { ...fresh, tags: ['new'] },
      { ...fresh, locale: 'sw' },
      { email: there.email, name: 'Changed', tags: ['b'], address: { city: 'Lagos' }, metadata: { size: 'M' } },
      { email: there.email, surname: 'Twice' },
    ])
    expect((await files.commit(id)).counts).toEqual(counts({ created: 1, updated: 3 }))
    const made = await byEmail(fresh['email'])
    expect(await files.undo(id)).toMatchObject({
      status: 'succeeded',
      counts: { removed: 1, restored: 1, kept: 0 },
      errorsUrl: null,
    })
    expect((await files.get(id)).status).toBe('undone')
    const { version, updatedAt: _a, updatedBy: _b, ...before } = there
    expect(await read(there.id)).toMatchObject({ ...before, version: version + 3 })
    expect((await read(made.id)).status).toBe(404)
    expect((await tap.next('customer.deleted.v1', made.id)).data).toMatchObject({ version: 3 })
    expect((await service.user.post(`/v1/customers/${made.id}/restore`)).status).toBe(200)
    expect((await service.user.post(`/v1/imports/${id}/undo`)).status).toBe(409)
  })

  it('leaves what was edited since as it is, and names it', async () => {
    const [kept, purged, back] = [await make(), await make(), await make()]
    const fresh = row()
    const changed = [kept, purged, back].map(({ email }) => ({ email, name: 'Imported' }))
    const { id } = await files.check(csv([...changed, fresh]))
    await files.commit(id)
    const made = await byEmail(fresh['email'])
    await service.user.patch(`/v1/customers/${kept.id}`, { locale: 'en' })
    await service.user.patch(`/v1/customers/${made.id}`, { locale: 'en' })
    await service.admin.delete(`/v1/customers/${purged.id}?purge=true`)
    const job = await files.undo(id)
    expect(job.counts).toMatchObject({ removed: 0, restored: 1, kept: 3 })
    expect([(await read(kept.id)).name, (await read(back.id)).name]).toEqual(['Imported', back.name])
    expect((await read(made.id)).locale).toBe('en')
    const told = await files.download(service.url, job.errorsUrl)
    expect(told.split('\r\n')[0]).toBe('id,field,reason')
    for (const { id } of [kept, made]) expect(told).toContain(`${id},,somebody has changed the customer since`)
    expect(told).toContain(`${purged.id},,the customer was purged`)
  })

  it('gives unique values back in whatever order they went round', async () => {
    const [a, b, c] = [await make(), await make(), await make()]
    const swap = csv([
      { code: a.code, email: `moved.${a.email}` },
      { code: b.code, email: a.email },
      { code: c.code, email: b.email },
    ])
    const { id } = await files.check(swap, { matchBy: 'code' })
    expect((await files.commit(id)).counts).toEqual(counts({ updated: 3 }))
    expect((await read(c.id)).email).toBe(b.email)
    expect((await files.undo(id)).counts).toMatchObject({ restored: 3, kept: 0 })
    const now = await Promise.all([a, b, c].map(async ({ id }) => (await read(id)).email))
    expect(now).toEqual([a.email, b.email, c.email])
  })

  it('says of a former value that somebody else has now', async () => {
    const there = await make()
    const { id } = await files.check(csv([{ code: there.code, email: `new.${there.email}` }]), { matchBy: 'code' })
    await files.commit(id)
    await make({ email: there.email })
    const job = await files.undo(id)
    expect(job.counts).toMatchObject({ restored: 0, kept: 1 })
    expect(await files.download(service.url, job.errorsUrl)).toContain('another customer has its former e-mail')
  })
})

describe('the file of errors', () => {
  it.each(['csv', 'json', 'ndjson'] as const)(
    'in %s has each row with its reason, and can be mended and sent again',
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
      expect(errors).toMatch(format === 'csv' ? /;row;field;reason\r\n/ : /"row":\d,"field":"email","reason":"email /)
      const mended = await files.check(
        errors.replace('nobody', row()['email'] ?? '').replace('no-number', '+254711000123'),
        { format },
      )
      const again = await files.commit(mended.id)
      expect(again).toMatchObject({ counts: counts({ created: 2 }), errorsUrl: null })
      expect((await byEmail(rows[2]?.['email'])).name).toBe('=1+1')
    },
  )
})

describe('who sees imports', () => {
  it('is their owner and every admin; a link alone opens its file', async () => {
    const other = client(service.url, (await newPerson(['user'])).token)
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
    expect((await nobody.get(errorsUrl ?? '')).body).toContain('is required')
    expect((await nobody.get(`${errorsUrl}x`)).status).toBe(403)
  })
})

describe('an import', () => {
  it('that is cancelled keeps what it has done, can go on, and be taken back', async () => {
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

  it('goes with its jobs and files when it is removed or has had its time', async () => {
    const [first, second] = [await files.check(csv([{ name: 'x' }])), await files.check(csv([row()]))]
    await files.commit(second.id)
    expect((await service.user.delete(`/v1/jobs/${first.jobId}`)).status).toBe(409)
    expect((await service.user.delete(`/v1/imports/${first.id}`)).status).toBe(204)
    expect((await service.user.get(`/v1/imports/${first.id}`)).status).toBe(404)
    expect((await service.user.get(`/v1/jobs/${first.jobId}`)).status).toBe(404)
    await service.db.query(`update imports set expires_at = now() - interval '1 second'`)
    await sweepImports(service.db, new AbortController().signal)
    await sweepJobs(service.db, new AbortController().signal)
    for (const table of ['imports', 'import_changes', 'jobs', 'job_files', 'job_file_chunks'])
      expect([table, await service.db.query(`select from ${table}`)]).toEqual([table, []])
  })
})
