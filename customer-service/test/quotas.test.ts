import { newId } from '@clientele/platform/data/db'
import { client } from '@clientele/platform/testing/client'
import { createSignedInUser } from '@clientele/platform/testing/tokens'
import { createImportClient } from './import-client.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startCustomers({
    jobsOpenPerUser: 3,
    jobFilesPerUser: 4,
    jobFileBytesPerUser: 100_000,
    jobPollMs: 60_000,
  })
}, 60_000)
afterAll(() => service?.stop())

const newUser = async () => client(service.url, (await createSignedInUser(['user'])).token)
const quotaExceeded = (detail: string) => ({
  status: 429,
  code: 'quota_exceeded',
  detail: expect.stringContaining(detail),
})
const rows = (count: number) =>
  `name,surname,email\n${Array.from({ length: count }, () => Object.values(aCustomer()).join(',')).join('\n')}\n`
const filesOf = async (name: string) => (await service.db.query('select from job_files where name = $1', [name])).length

describe('Quotas of jobs and files', () => {
  it('a user who starts twenty exports at once has three jobs, and can start another when one has ended', async () => {
    const { id, token } = await createSignedInUser(['user'])
    const user = client(service.url, token)
    // While another replica runs a job of the user, the exports stay in the queue.
    await service.db.query(
      `insert into jobs (id, kind, status, owner_id, owner_name, lease, leased_until)
       values ($1, 'export', 'running', $2, 'Ana', $1, now() + interval '1 hour')`,
      [newId(), id],
    )
    const start = () => user.post('/v1/exports', {})
    const responses = await Promise.all(Array.from({ length: 20 }, start))
    expect(responses.filter(({ status }) => status === 202)).toHaveLength(2)
    expect(responses.find(({ status }) => status !== 202)?.body).toMatchObject(quotaExceeded('3 jobs'))
    expect((await (await newUser()).post('/v1/exports', {})).status).toBe(202)
    await service.db.query(`update jobs set status = 'cancelled' where owner_id = $1 and status = 'running'`, [id])
    expect((await start()).status).toBe(202)
  })

  it('a file that would exceed the bytes of a user is refused and not kept', async () => {
    const user = await newUser()
    const imports = createImportClient(user)
    const first = await imports.check(rows(2_000), { name: 'large-1' })
    const { body } = await imports.send(rows(2_200), { name: 'large-2' })
    expect(body).toMatchObject(quotaExceeded('limit: 100000'))
    expect(await filesOf('large-2')).toBe(0)
    expect((await user.delete(`/v1/imports/${first.id}`)).status).toBe(204)
    expect((await imports.send(rows(2_200), { name: 'large-3' })).status).toBe(202)
  }, 60_000)

  it('a user who has too many files can neither import nor export until some are deleted', async () => {
    const user = await newUser()
    const imports = createImportClient(user)
    const ids: string[] = []
    for (let index = 0; index < 4; index += 1) ids.push((await imports.check(rows(1), { name: 'small' })).id)
    expect((await imports.send(rows(1))).body).toMatchObject(quotaExceeded('4 files'))
    expect((await user.post('/v1/exports', {})).body).toMatchObject(quotaExceeded('4 files'))
    await user.delete(`/v1/imports/${ids[0]}`)
    expect((await user.post('/v1/exports', {})).status).toBe(202)
  }, 60_000)

  it('a user who has started as many exports as in a day gets 429 with the time to wait', async () => {
    const replica = await service.startReplica({ exportsPerDay: 2, jobsOpenPerUser: 20 })
    try {
      const user = client(replica.url, (await createSignedInUser(['user'])).token)
      const statuses = []
      for (let index = 0; index < 2; index += 1) statuses.push((await user.post('/v1/exports', {})).status)
      expect(statuses).toEqual([202, 202])
      const { body, headers } = await user.post('/v1/exports', {})
      expect(body).toMatchObject({
        status: 429,
        code: 'rate_limited',
        detail: expect.stringContaining('2 exports a day'),
      })
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(40_000)
    } finally {
      await replica.stop()
    }
  }, 60_000)
})
