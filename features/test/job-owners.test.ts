import { createJobTable } from '@clientele/features/jobs/job.store'
import type { Db } from '@clientele/platform/data/db'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { type JobRow, jobList } from '../src/jobs/job.list.ts'
import type { JobKind } from '../src/jobs/job-kind.ts'
import { userRoleProjection } from '../src/jobs/user-roles.ts'
import { createJobWorker, type JobWorker } from '../src/jobs/worker.ts'
import { countKind } from './count-job.ts'
import { type PlatformDatabase, startDatabase } from './platform-database.ts'

let database: PlatformDatabase
let db: Db
beforeAll(async () => {
  database = await startDatabase()
  db = database.db
})
afterAll(() => database?.end())

const quota = { jobsOpenPerUser: 20, jobFilesPerUser: 20, jobFileBytesPerUser: 1e9, jobFileBytes: 1e9 }
const config = { ...quota, jobsPerReplica: 2, jobsPerUser: 2, jobLeaseMs: 1_000, jobPollMs: 50, jobKeepHours: 1 }
let running: (JobWorker & { ended: Promise<void> }) | undefined
const startWorker = (kind: JobKind = countKind(db)) => {
  const worker = createJobWorker({ db, kinds: [kind], config, log: testLog(), idleMs: 60_000, retryMs: 1 })
  running = { ...worker, ended: worker.run() }
}
afterEach(async () => {
  running?.stop()
  await running?.ended
})

const addJob = (owner: string, input: object) =>
  db.transaction((tx) => createJobTable(db).add({ kind: 'count', owner: { id: owner, displayName: owner }, input }, tx))
const getJob = async (id: string): Promise<JobRow> => {
  const { rows } = await jobList.run(db, {}, { where: (bind) => `id = ${bind(id)}` })
  return rows[0] as JobRow
}
const waitUntilCancelled = (id: string) =>
  eventually(async () => {
    const row = await getJob(id)
    expect(row.status).toBe('cancelled')
    return row
  })
const waitForNotes = (id: string, notes: number) =>
  eventually(async () => expect((await getJob(id)).counts['notes']).toBeGreaterThan(notes))
const notesOf = async (owner: string) => (await db.query('select from notes where text like $1', [`${owner} %`])).length
const setRoles = (id: string, roles: ('user' | 'admin')[], version: number) =>
  db.transaction(async (tx) => {
    const state = { id, version, roles, displayName: id, deleted: false }
    await userRoleProjection({ db, table: createJobTable(db), wake: () => {} }).apply(state, tx)
  })
const lostAccess = { code: 'owner_lost_access', message: expect.stringContaining('lost access') }

describe('Jobs of users who lost access', () => {
  it('all jobs of the user are cancelled with the reason: a running one after its current step, and queued ones at once', async () => {
    const ids = [await addJob('ana', { to: 1_000, pauseMs: 20 }), await addJob('ana', { to: 1_000, pauseMs: 20 })]
    const queued = await addJob('ana', { to: 5 })
    const other = await addJob('bob', { to: 20, pauseMs: 20 })
    startWorker()
    for (const id of ids) await waitForNotes(id, 1)
    await db.transaction((tx) => createJobTable(db).cancelAllOfOwner('ana', tx))
    const ended = await Promise.all([...ids, queued].map(waitUntilCancelled))
    expect(ended.map(({ error }) => error)).toEqual([lostAccess, lostAccess, lostAccess])
    const written = ended.reduce((sum, { counts }) => sum + (counts['notes'] ?? 0), 0)
    expect([await notesOf('ana'), ended[2]?.counts]).toEqual([written, {}])
    await eventually(async () => expect(await getJob(other)).toMatchObject({ status: 'succeeded', error: null }))
  })

  it('a job that was added after the loss of access writes nothing', async () => {
    await setRoles('carl', [], 2)
    const id = await addJob('carl', { to: 5 })
    startWorker()
    expect((await waitUntilCancelled(id)).error).toEqual(lostAccess)
    expect(await notesOf('carl')).toBe(0)
  })

  it('a job that the event did not see stops at its next step', async () => {
    const id = await addJob('dora', { to: 1_000, pauseMs: 20 })
    startWorker()
    await waitForNotes(id, 1)
    await db.query(`insert into user_roles (id, version, roles) values ('dora', 2, '{admin}')`)
    const { error, counts } = await waitUntilCancelled(id)
    expect([error, await notesOf('dora')]).toEqual([lostAccess, counts['notes']])
  })

  it('a job that waits for its next attempt is cancelled with the reason instead of the error of the last attempt', async () => {
    let attempts = 0
    const failing = countKind(db, {
      run: async () => {
        attempts += 1
        throw new Error('not yet')
      },
    })
    const id = await addJob('emil', { to: 5 })
    startWorker(failing)
    await eventually(() => expect(attempts).toBeGreaterThan(1))
    await db.transaction((tx) => createJobTable(db).cancelAllOfOwner('emil', tx))
    expect((await waitUntilCancelled(id)).error).toEqual(lostAccess)
  })

  it('jobs of a user whose access came back run, and an older event changes nothing', async () => {
    await setRoles('fay', [], 2)
    await setRoles('fay', ['user'], 3)
    await setRoles('fay', [], 2)
    const id = await addJob('fay', { to: 2 })
    startWorker()
    await eventually(async () => expect(await getJob(id)).toMatchObject({ status: 'succeeded', error: null }))
  })
})
