import type { JobConfig } from '@clientele/features/jobs/job.config'
import { type JobRow, jobList } from '@clientele/features/jobs/job.list'
import { createJobTable, type JobTable } from '@clientele/features/jobs/job.store'
import type { JobKind } from '@clientele/features/jobs/job-kind'
import { createJobRunner, type JobRunner } from '@clientele/features/jobs/worker'
import { createJobHost, type JobHost } from '@clientele/features/jobs/worker-host'
import { connectDb, type Db } from '@clientele/platform/data/db'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { JobFailure } from '../src/jobs/job-kind.ts'
import { countKind } from './jobs.kinds.ts'

let database: TestDatabase
let db: Db
let table: JobTable
beforeAll(async () => {
  database = await testDatabase({
    schema: 'platform_test',
    migrations: new URL('../../platform/test/migrations/', import.meta.url),
  })
  db = await connectDb(database.config, 'platform_test')
  table = createJobTable(db)
})
afterAll(async () => {
  await db?.close()
  await database?.drop()
})

const config: JobConfig = { jobsPerReplica: 2, jobsPerUser: 2, jobLeaseMs: 1_000, jobPollMs: 50, jobKeepHours: 1 }
const open: (JobRunner & { ended: Promise<void> })[] = []
const hosts: JobHost[] = []
afterEach(async () => {
  for (const { stop } of open) stop()
  await Promise.all(open.splice(0).map(({ ended }) => ended))
  await Promise.all(hosts.splice(0).map((host) => host.stop()))
  await db.query('delete from jobs')
})

const runner = (kinds: JobKind[], more: Partial<JobConfig> = {}) => {
  const made = createJobRunner({
    db,
    kinds,
    config: { ...config, ...more },
    log: testLog(),
    idleMs: 60_000,
    retryMs: 1,
  })
  const running = { ...made, ended: made.run() }
  open.push(running)
  return running
}
let owners = 0
const anOwner = () => `owner-${++owners}`
const add = (input: object, owner = anOwner(), kind = 'count') =>
  db.transaction((tx) => table.add({ kind, owner: { id: owner, displayName: owner }, input }, tx))
const job = async (id: string): Promise<JobRow> => {
  const { rows } = await jobList.run(db, {}, { where: (bind) => `id = ${bind(id)}` })
  return rows[0] as JobRow
}
const ended = (id: string, status: string) =>
  eventually(async () => {
    const row = await job(id)
    expect(row.status).toBe(status)
    return row
  })
const notesOf = async (owner: string): Promise<number[]> =>
  (await db.query<{ text: string }>(`select text from notes where text like $1 || ' %' order by id`, [owner])).map(
    ({ text }) => Number(text.split(' ')[1]),
  )
const upTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1)

describe('a job', () => {
  it('commits the work of each step with counts and checkpoint, and succeeds with the last', async () => {
    const owner = anOwner()
    const id = await add({ to: 5 }, owner)
    runner([countKind(db)])
    const row = await ended(id, 'succeeded')
    expect(row).toMatchObject({ counts: { notes: 5 }, progress: 1, error: null, startedAt: expect.any(Date) })
    expect(row.expiresAt?.getTime()).toBeGreaterThan(Date.now() + 3_500_000)
    expect(await notesOf(owner)).toEqual(upTo(5))
  })

  it('goes on from its last checkpoint where a step throws, and repeats nothing', async () => {
    const owner = anOwner()
    let faults = 0
    const plain = countKind(db)
    const shaky = countKind(db, {
      run: (job, context) =>
        plain.run(job, {
          ...context,
          step: (work) =>
            context.step(async (tx) => {
              const left = await work(tx)
              if ((left.state as { at: number }).at === 3 && ++faults <= 2) throw new Error('not yet')
              return left
            }),
        }),
    })
    const id = await add({ to: 5 }, owner)
    runner([shaky])
    await ended(id, 'succeeded')
    expect([faults, await notesOf(owner)]).toEqual([3, upTo(5)])
  })

  it('fails with a reason where a step always throws, and takes nobody’s place for ever', async () => {
    let runs = 0
    const told: unknown[] = []
    const poison: JobKind = {
      kind: 'poison',
      run: async (_job, { step }) => {
        runs += 1
        await step(async () => {
          throw new Error('secret detail')
        })
      },
      ended: async (job, outcome, tx) => {
        told.push(outcome.status)
        await db.query('insert into notes (text) values ($1)', [`${job.owner.id} 99`], { tx })
      },
    }
    const owner = anOwner()
    const id = await add({}, owner, 'poison')
    runner([poison])
    const { error } = await ended(id, 'failed')
    expect(error).toMatchObject({ code: 'given_up', message: expect.stringContaining('6 times in a row') })
    expect(JSON.stringify(error)).not.toContain('secret')
    expect([runs, told, await notesOf(owner)]).toEqual([6, ['failed'], [99]])
  })

  it('fails at once, with its words, where its kind says so', async () => {
    const id = await add({}, anOwner(), 'picky')
    const run = async () => {
      throw new JobFailure('wrong_file', 'the file is no list of customers')
    }
    runner([{ kind: 'picky', run }])
    expect((await ended(id, 'failed')).error).toEqual({
      code: 'wrong_file',
      message: 'the file is no list of customers',
    })
  })

  it('is cancelled after the step that it is at; a queued one at once', async () => {
    const [running, queued] = [anOwner(), anOwner()]
    const first = await add({ to: 1_000, pauseMs: 20 }, running)
    runner([countKind(db)], { jobsPerReplica: 1 })
    await eventually(async () => expect((await job(first)).counts['notes']).toBeGreaterThan(1))
    const second = await add({ to: 5 }, queued)
    expect(await table.cancel(second)).toBe(true)
    expect(await table.cancel(first)).toBe(true)
    const { counts } = await ended(first, 'cancelled')
    await ended(second, 'cancelled')
    expect(await notesOf(running)).toEqual(upTo(counts['notes'] ?? 0))
    expect([await notesOf(queued), await table.cancel(first)]).toEqual([[], false])
  })

  it('is given back at once by a replica that stops, and another goes on', async () => {
    const owner = anOwner()
    const id = await add({ to: 20, pauseMs: 10 }, owner)
    const first = runner([countKind(db)], { jobLeaseMs: 600_000 })
    await eventually(async () => expect((await job(id)).counts['notes']).toBeGreaterThan(2))
    first.stop()
    await first.ended
    expect((await job(id)).status).toBe('queued')
    runner([countKind(db)])
    await ended(id, 'succeeded')
    expect(await notesOf(owner)).toEqual(upTo(20))
  })
})

describe('a lease', () => {
  it('that was taken over lets its former holder write nothing more', async () => {
    const owner = anOwner()
    const id = await add({ to: 3 }, owner)
    const leasing = { leaseMs: 1, perUser: 2 }
    const stale = await table.claim(['count'], leasing)
    await eventually(async () => expect(await table.isWaiting(['count'], leasing)).toBe(true))
    runner([countKind(db)])
    await ended(id, 'succeeded')
    const late = db.transaction(async (tx) => {
      await db.query('insert into notes (text) values ($1)', [`${owner} 1`], { tx })
      const status = await table.checkpoint(id, stale?.lease ?? '', 1_000, { state: { at: 1 } }, tx)
      if (status === undefined) throw new Error('the lease is lost')
    })
    await expect(late).rejects.toThrow('the lease is lost')
    expect(await table.renew(id, stale?.lease ?? '', 1_000)).toBe(false)
    expect(await notesOf(owner)).toEqual(upTo(3))
  })

  it('is renewed while a step takes longer than it lasts', async () => {
    const owner = anOwner()
    const id = await add({ to: 2, pauseMs: 2_500 }, owner)
    runner([countKind(db)])
    runner([countKind(db)])
    await ended(id, 'succeeded')
    expect(await notesOf(owner)).toEqual(upTo(2))
  })
})

describe('caps', () => {
  const atWork = async () =>
    (await db.query<{ ownerId: string }>(`select owner_id as "ownerId" from jobs where leased_until > now()`)).map(
      ({ ownerId }) => ownerId,
    )

  it('hold for a user on all replicas and for a replica; the rest queues in order', async () => {
    const [busy, other] = [anOwner(), anOwner()]
    const jobs = []
    for (const owner of [busy, busy, busy, other]) jobs.push(await add({ to: 30, pauseMs: 20 }, owner))
    runner([countKind(db)], { jobsPerUser: 1 })
    runner([countKind(db)], { jobsPerUser: 1 })
    await eventually(async () => expect((await atWork()).sort()).toEqual([busy, other].sort()))
    for (const id of jobs) await ended(id, 'succeeded')
    const rows = await Promise.all(jobs.slice(0, 3).map(job))
    const begun = rows.map(({ startedAt }) => startedAt?.getTime() ?? 0)
    expect(begun).toEqual([...begun].sort((a, b) => a - b))
    for (const [index, row] of rows.slice(1).entries())
      expect(row.startedAt?.getTime()).toBeGreaterThanOrEqual(rows[index]?.finishedAt?.getTime() ?? Number.NaN)
  })

  it('of one place let one job run at a time', async () => {
    const jobs = [await add({ to: 10, pauseMs: 10 }), await add({ to: 10, pauseMs: 10 })]
    runner([countKind(db)], { jobsPerReplica: 1 })
    const [first, second] = await Promise.all(jobs.map((id) => ended(id, 'succeeded')))
    expect(second?.startedAt?.getTime()).toBeGreaterThanOrEqual(first?.finishedAt?.getTime() ?? Number.NaN)
  })
})

describe('the job process', () => {
  const host = (more: Partial<JobConfig> = {}) => {
    const program = new URL('./jobs.process.ts', import.meta.url)
    const settings = { ...database.config, logLevel: 'silent', ...config, ...more }
    const made = createJobHost({ db, program, config: settings, kinds: ['count'], log: testLog() })
    hosts.push(made)
    void made.start()
    return made
  }

  it('starts when there is work, and another one goes on after kill -9, without a row twice', async () => {
    const owner = anOwner()
    const first = host()
    expect(first.pid()).toBeUndefined()
    const id = await add({ to: 40, pauseMs: 25 }, owner)
    first.wake()
    for (const least of [3, 12, 20]) {
      await eventually(async () => expect((await job(id)).counts['notes']).toBeGreaterThan(least))
      process.kill(first.pid() ?? 0, 'SIGKILL')
    }
    await ended(id, 'succeeded')
    expect(await notesOf(owner)).toEqual(upTo(40))
  })

  it('gives its jobs back before it ends with the service', async () => {
    const id = await add({ to: 1_000, pauseMs: 25 })
    const first = host({ jobLeaseMs: 600_000 })
    await eventually(async () => expect((await job(id)).counts['notes']).toBeGreaterThan(1))
    await first.stop()
    expect([first.pid(), (await job(id)).status]).toEqual([undefined, 'queued'])
  })
})
