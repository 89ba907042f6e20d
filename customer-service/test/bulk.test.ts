import { readdirSync, readFileSync } from 'node:fs'
import { cleanUpJobs } from '@clientele/features/jobs/job.cleanup'
import type { EventSubscription } from '@clientele/platform/testing/broker'
import { client } from '@clientele/platform/testing/client'
import { createSignedInUser, signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { userEvent } from '../../features/test/user-event.ts'
import { cleanUpBulkChanges } from '../src/bulk/bulk.store.ts'
import { createImportClient } from './import-client.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

type Body = Record<string, unknown>

let service: Running
let tap: EventSubscription
let jobs: ReturnType<typeof createImportClient>
beforeAll(async () => {
  service = await startCustomers()
  tap = await service.broker.subscribe()
  jobs = createImportClient(service.user)
})
afterAll(() => service?.stop())

const bulk = (body: Body, as = service.user) => as.post('/v1/customers/bulk', body)
/** Starts a bulk change and waits until its job has ended. */
const change = async (body: Body) => {
  const { status, body: job, headers } = await bulk(body)
  if (status !== 202) throw new Error(`${status} ${JSON.stringify(job)}`)
  expect(headers.get('location')).toBe(`/v1/jobs/${job.id}`)
  return jobs.job(job.id)
}
const undo = async (id: string) => jobs.job((await service.user.post(`/v1/customers/bulk/${id}/undo`)).body.id)

/** Kills the worker process of the service, which is the only child of this process. */
const killWorkers = (): void => {
  const tasks = readdirSync(`/proc/${process.pid}/task`)
  const pids = tasks.flatMap((task) =>
    readFileSync(`/proc/${process.pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  for (const pid of pids) process.kill(pid, 'SIGKILL')
}

let group = 0
/** Creates customers that have a tag of their own, by which a filter finds them. */
const createGroup = async (count: number, fields: (index: number) => Body = () => ({})) => {
  group += 1
  const tag = `group-${group}`
  const items = Array.from({ length: count }, (_, index) => ({
    op: 'create',
    data: aCustomer({ tags: [tag], ...fields(index) }),
  }))
  const { body } = await service.user.post('/v1/customers/batch', { items })
  return { tag, ids: body.results.map(({ id }: { id: string }) => id) as string[] }
}
const get = async (id: string) => (await service.user.get(`/v1/customers/${id}?trashed=true`)).body
const tagsOf = async (ids: string[]) => Promise.all(ids.map(async (id) => (await get(id)).tags))

describe('POST /v1/customers/bulk', () => {
  it('a bulk change adds and removes tags of all matching customers, with an event and an editor for each', async () => {
    const { tag, ids } = await createGroup(3)
    const other = await createGroup(1)
    await service.user.patch(`/v1/customers/${ids[1]}`, { tags: [tag, 'loyal'] })
    const body = { op: 'tag', filter: { tag }, add: ['loyal'], remove: ['nobody has it'], expect: 3 }
    const job = await change(body)
    expect(job).toMatchObject({
      kind: 'bulk',
      status: 'succeeded',
      progress: 1,
      counts: { matched: 3, changed: 2, unchanged: 1, failed: 0 },
      errorsUrl: null,
    })
    expect(await tagsOf(ids)).toEqual([
      [tag, 'loyal'],
      [tag, 'loyal'],
      [tag, 'loyal'],
    ])
    expect(await tagsOf(other.ids)).toEqual([[other.tag]])
    const { id } = await signedInAs('user')
    expect((await tap.next('customer.updated.v1', ids[0] ?? '')).data).toMatchObject({
      version: 2,
      tags: [tag, 'loyal'],
      changed: ['tags'],
      updatedBy: { id },
    })
    const { body: editors } = await service.user.get(`/v1/customers/${ids[2]}/editors`)
    expect(editors.data).toMatchObject([{ user: { id }, edits: 2 }])
  })

  it('a bulk change sets fields as PATCH does, and no others', async () => {
    const { tag, ids } = await createGroup(2, (index) => ({
      address: { city: 'Nairobi', street: `Street ${index}` },
      metadata: { source: 'fair', index },
    }))
    const data = { address: { city: 'Mombasa' }, locale: 'sw', metadata: { source: null, year: 2026 } }
    const job = await change({ op: 'update', filter: { tag: [tag] }, data, expect: 2 })
    expect(job.counts).toMatchObject({ matched: 2, changed: 2 })
    expect(await get(ids[1] ?? '')).toMatchObject({
      address: { city: 'Mombasa', street: 'Street 1' },
      locale: 'sw',
      metadata: { index: 1, year: 2026 },
    })
    for (const field of ['email', 'name', 'externalId', 'tags', 'photoMediaId'])
      expect(await bulk({ op: 'update', filter: { tag }, data: { [field]: null }, expect: 2 })).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: `/data/${field}`, code: 'unknown_field' }] },
      })
  })

  it('a bulk change moves customers to the trash and takes them out of it', async () => {
    const { tag, ids } = await createGroup(3)
    const deleted = await change({ op: 'delete', filter: { tag }, expect: 3 })
    expect(deleted.counts).toMatchObject({ changed: 3 })
    expect((await get(ids[0] ?? '')).deletedAt).not.toBeNull()
    await tap.next('customer.deleted.v1', ids[0] ?? '')
    const restored = await change({ op: 'restore', filter: { tag, 'deletedAt[exists]': true }, expect: 3 })
    expect(restored.counts).toMatchObject({ changed: 3 })
    expect((await get(ids[0] ?? '')).deletedAt).toBeNull()
    await tap.next('customer.restored.v1', ids[0] ?? '')
  })

  it('a restore skips the customers whose e-mail is taken, and lists them in the error file', async () => {
    const { tag, ids } = await createGroup(3)
    await change({ op: 'delete', filter: { tag }, expect: 3 })
    const { email } = await get(ids[1] ?? '')
    await service.user.post('/v1/customers', aCustomer({ email }))
    const job = await change({ op: 'restore', filter: { tag, 'deletedAt[exists]': true }, expect: 3 })
    expect(job).toMatchObject({ status: 'succeeded', counts: { matched: 3, changed: 2, failed: 1 } })
    const text = await jobs.download(service.url, job.errorsUrl)
    expect(text).toContain(`"${ids[1]}",,"another customer has its e-mail or external id now"`)
  })

  it('a customer that the change does not fit fails by itself', async () => {
    const many = Array.from({ length: 49 }, (_, index) => `t${index}`)
    const { tag, ids } = await createGroup(2)
    await service.user.patch(`/v1/customers/${ids[0]}`, { tags: [tag, ...many] })
    const job = await change({ op: 'tag', filter: { tag }, add: ['one more'], expect: 2 })
    expect(job).toMatchObject({ status: 'succeeded', counts: { matched: 2, changed: 1, failed: 1 } })
    expect(await jobs.download(service.url, job.errorsUrl)).toContain('must have at most 50 tags')
  })

  it('a bulk change is refused with the present count if it differs from the expected one by more than 1 %', async () => {
    const { tag } = await createGroup(101)
    for (const expect_ of [0, 99, 103, 10_000])
      expect(await bulk({ op: 'delete', filter: { tag }, expect: expect_ })).toMatchObject({
        status: 409,
        body: { code: 'conflict', count: 101 },
      })
    expect((await bulk({ op: 'tag', filter: { tag }, add: ['x'], expect: 100 })).status).toBe(202)
    expect((await bulk({ op: 'tag', filter: { tag: 'nobody has it' }, add: ['x'], expect: 0 })).status).toBe(202)
  })

  it.each<[string, Body]>([
    ['/filter', { op: 'delete' }],
    ['/expect', { op: 'delete', filter: {}, expect: -1 }],
    ['/add', { op: 'tag', filter: {}, expect: 0 }],
    ['/filter/color', { op: 'delete', filter: { color: 'red' }, expect: 0 }],
    ['/filter/limit', { op: 'delete', filter: { limit: 5 }, expect: 0 }],
    ['/filter/createdAt[gte]', { op: 'delete', filter: { 'createdAt[gte]': 'yesterday' }, expect: 0 }],
    ['/filter', { op: 'restore', filter: { name: 'Ana' }, expect: 0 }],
    ['/filter', { op: 'delete', filter: { 'deletedAt[exists]': true }, expect: 0 }],
    ['/op', { op: 'purge', filter: {}, expect: 0 }],
  ])('the field %s of the body %j is a 422', async (pointer, body) => {
    const response = await bulk(body)
    expect(response.status).toBe(422)
    expect(response.body.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer)
  })

  it('a user who asks for too many bulk changes in a minute gets 429', async () => {
    const user = client(service.url, (await createSignedInUser(['user'])).token)
    const body = { op: 'delete', filter: { tag: 'nobody has it' }, expect: 1 }
    const statuses = await Promise.all(Array.from({ length: 35 }, async () => (await bulk(body, user)).status))
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0)
    expect(statuses.filter((status) => status === 409).length).toBeGreaterThanOrEqual(30)
  })

  it('the filter is that of the list: q, operators and me select the same customers', async () => {
    const { ids } = await createGroup(4, (index) => ({ surname: 'Filterstone', metadata: { index } }))
    const user = client(service.url, (await createSignedInUser(['user'])).token)
    await user.patch(`/v1/customers/${ids[0]}`, { locale: 'fr' })
    const filter = { q: 'filterst', 'createdAt[gte]': '2020-01-01', updatedBy: 'me' }
    const { body } = await user.get(`/v1/customers?${new URLSearchParams(filter)}`)
    expect(body.page.total).toBe(1)
    const started = await bulk({ op: 'tag', filter, add: ['mine'], expect: 1 }, user)
    expect((await createImportClient(user).job(started.body.id)).counts).toMatchObject({ matched: 1, changed: 1 })
    expect((await get(ids[0] ?? '')).tags).toContain('mine')
  })
})

describe('POST /v1/customers/bulk/{id}/undo', () => {
  it('an undo gives changed customers their former values, and keeps those that were changed since', async () => {
    const { tag, ids } = await createGroup(3)
    const { id } = await change({ op: 'tag', filter: { tag }, add: ['a'], remove: [tag], expect: 3 })
    await service.user.patch(`/v1/customers/${ids[1]}`, { locale: 'sw' })
    const job = await undo(id)
    expect(job).toMatchObject({ kind: 'bulk.undo', status: 'succeeded', counts: { removed: 0, restored: 2, kept: 1 } })
    expect(await tagsOf(ids)).toEqual([[tag], ['a'], [tag]])
    expect(await jobs.download(service.url, job.errorsUrl)).toContain(`"${ids[1]}",,"the customer was changed since`)
    expect((await undo(id)).counts).toMatchObject({ removed: 0, restored: 0, kept: 1 })
  })

  it('an undo that kept customers can be repeated for them, and one that kept none cannot', async () => {
    const { tag, ids } = await createGroup(2)
    const first = await change({ op: 'tag', filter: { tag }, add: ['a'], expect: 2 })
    await service.user.delete(`/v1/customers/${ids[1]}`)
    await service.admin.delete(`/v1/customers/${ids[1]}?purge=true`)
    for (const restored of [1, 0]) expect((await undo(first.id)).counts).toMatchObject({ restored, kept: 1 })
    const second = await change({ op: 'tag', filter: { tag }, add: ['b'], expect: 1 })
    expect((await undo(second.id)).counts).toMatchObject({ restored: 1, kept: 0 })
    expect(await service.user.post(`/v1/customers/bulk/${second.id}/undo`)).toMatchObject({
      status: 409,
      body: { code: 'invalid_state' },
    })
  })

  it('an undo takes deleted customers out of the trash, and returns restored ones to it', async () => {
    const { tag, ids } = await createGroup(2)
    const deleted = await change({ op: 'delete', filter: { tag }, expect: 2 })
    expect((await undo(deleted.id)).counts).toMatchObject({ restored: 2, removed: 0, kept: 0 })
    expect((await get(ids[0] ?? '')).deletedAt).toBeNull()
    await change({ op: 'delete', filter: { tag }, expect: 2 })
    const restored = await change({ op: 'restore', filter: { tag, 'deletedAt[exists]': true }, expect: 2 })
    expect((await undo(restored.id)).counts).toMatchObject({ restored: 0, removed: 2, kept: 0 })
    expect((await get(ids[0] ?? '')).deletedAt).not.toBeNull()
  })

  it('only the owner and admins undo a change, and only as long as its job is kept', async () => {
    const { tag } = await createGroup(1)
    const { id } = await change({ op: 'tag', filter: { tag }, add: ['a'], expect: 1 })
    const stranger = client(service.url, (await createSignedInUser(['user'])).token)
    expect((await stranger.post(`/v1/customers/bulk/${id}/undo`)).status).toBe(404)
    const { body: other } = await service.user.post('/v1/exports', { format: 'csv' })
    expect((await service.user.post(`/v1/customers/bulk/${other.id}/undo`)).status).toBe(404)
    const recorded = () => service.db.query('select from bulk_changed_customers where job_id = $1', [id])
    await cleanUpBulkChanges(service.db, new AbortController().signal)
    expect(await recorded()).toHaveLength(1)
    await service.db.query(`update jobs set expires_at = now() - interval '1 hour' where id = $1`, [id])
    await cleanUpJobs(service.db, new AbortController().signal)
    await cleanUpBulkChanges(service.db, new AbortController().signal)
    expect(await recorded()).toHaveLength(0)
    expect((await service.admin.post(`/v1/customers/bulk/${id}/undo`)).status).toBe(404)
  })
})

describe('PATCH /v1/tags/{tag}', () => {
  const rename = async (tag: string, name: string) => {
    const { status, body } = await service.admin.patch(`/v1/tags/${encodeURIComponent(tag)}`, { name })
    expect(status).toBe(202)
    return createImportClient(service.admin).job(body.id)
  }

  it('a tag gets its new name on all customers, also in the trash, and is merged into one that exists', async () => {
    const { tag, ids } = await createGroup(3, (index) => ({ tags: [`group-${group}`, 'a, b', `other-${index}`] }))
    await service.user.patch(`/v1/customers/${ids[1]}`, { tags: ['c', 'a, b', tag] })
    await service.user.delete(`/v1/customers/${ids[2]}`)
    const job = await rename('a, b', 'c')
    expect(job).toMatchObject({
      kind: 'tag.rename',
      status: 'succeeded',
      counts: { matched: 3, changed: 3, failed: 0 },
    })
    expect(await tagsOf(ids)).toEqual([
      [tag, 'c', 'other-0'],
      ['c', tag],
      [tag, 'c', 'other-2'],
    ])
    expect((await tap.next('customer.updated.v1', ids[0] ?? '')).data).toMatchObject({ tags: [tag, 'c', 'other-0'] })
    const { body } = await service.admin.post(`/v1/customers/bulk/${job.id}/undo`)
    expect((await createImportClient(service.admin).job(body.id)).counts).toMatchObject({ restored: 3 })
    expect(await tagsOf(ids)).toEqual([
      [tag, 'a, b', 'other-0'],
      ['c', 'a, b', tag],
      [tag, 'a, b', 'other-2'],
    ])
  })

  it('renaming is for admins, and needs a tag that exists and another name', async () => {
    const { tag } = await createGroup(1)
    expect((await service.user.patch(`/v1/tags/${tag}`, { name: 'x' })).status).toBe(403)
    expect((await service.admin.patch('/v1/tags/nobody-has-it', { name: 'x' })).status).toBe(404)
    for (const name of [tag, '', ' ', 'x'.repeat(51)])
      expect(await service.admin.patch(`/v1/tags/${tag}`, { name })).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '/name' }] },
      })
  })
})

describe('Bulk changes that are interrupted', () => {
  const rows = 6_000
  const insertMany = async (tag: string) => {
    for (let from = 0; from < rows; from += 1_000)
      await service.db.query(
        `insert into customers (id, code, name, surname, tags, search_text, created_at, created_by, created_by_name,
           updated_at, updated_by, updated_by_name)
         select gen_random_uuid(), next_customer_code(), 'Many', 'Rows', array[$1], 'many rows', now(), 'x', 'x', now(), 'x', 'x'
         from generate_series(1, 1000)`,
        [tag],
      )
  }

  it('a change continues after its process was killed, and changes each customer once', async () => {
    await insertMany('killed')
    const { body: job } = await bulk({ op: 'tag', filter: { tag: 'killed' }, add: ['done'], expect: rows })
    await eventually(async () => expect((await jobs.current(job.id)).counts.changed).toBeGreaterThan(0))
    killWorkers()
    const ended = await jobs.job(job.id)
    expect(ended).toMatchObject({ status: 'succeeded', counts: { matched: rows, changed: rows, failed: 0 } })
    const [versions] = await service.db.query(
      `select count(*)::int, min(version), max(version) from customers where 'done' = any(tags)`,
    )
    expect(versions).toEqual({ count: rows, min: 2, max: 2 })
  }, 90_000)

  it('a change stops between two steps when its owner loses access, and an admin can undo it', async () => {
    await insertMany('lost')
    const { id: userId } = await signedInAs('user')
    const { body: job } = await bulk({ op: 'tag', filter: { tag: 'lost' }, add: ['late'], expect: rows })
    await eventually(async () => expect((await jobs.current(job.id)).counts.changed).toBeGreaterThan(0))
    await service.broker.publish(userEvent('user.disabled.v1', userId, { version: 2, enabled: false }))
    const ended = await createImportClient(service.admin).job(job.id)
    expect(ended).toMatchObject({ status: 'cancelled', error: { code: 'owner_lost_access' } })
    expect(ended.counts['changed']).toBeLessThan(rows)
    const { body: undoJob } = await service.admin.post(`/v1/customers/bulk/${job.id}/undo`)
    const undone = await createImportClient(service.admin).job(undoJob.id)
    expect(undone.counts).toMatchObject({ restored: ended.counts['changed'], kept: 0 })
    expect(await service.db.query(`select from customers where 'late' = any(tags)`)).toHaveLength(0)
    await service.broker.publish(userEvent('user.enabled.v1', userId, { version: 3 }))
  }, 90_000)
})
