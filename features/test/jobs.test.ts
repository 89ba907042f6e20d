import { readFileSync } from 'node:fs'
import type { JobConfig } from '@clientele/features/jobs/job.config'
import { type JobRow, jobList } from '@clientele/features/jobs/job.list'
import { createJobTable, type JobTable } from '@clientele/features/jobs/job.store'
import type { JobKind } from '@clientele/features/jobs/job-kind'
import { createJobWorker, type JobWorker } from '@clientele/features/jobs/worker'
import { createWorkerSupervisor, type WorkerSupervisor } from '@clientele/features/jobs/worker-supervisor'
import type { Db } from '@clientele/platform/data/db'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { JobFailure } from '../src/jobs/job-kind.ts'
import { countKind } from './count-job.ts'
import { killWorker } from './kill-worker.ts'
import { type PlatformDatabase, startDatabase } from './platform-database.ts'

let database: PlatformDatabase
let db: Db
let table: JobTable
beforeAll(async () => {
  database = await startDatabase()
  db = database.db
  table = createJobTable(db)
})
afterAll(() => database?.end())

const config: JobConfig = {
  jobsPerReplica: 2,
  jobsPerUser: 2,
  jobLeaseMs: 1_000,
  jobPollMs: 50,
  jobsOpenPerUser: 20,
  jobFilesPerUser: 20,
  jobFileBytesPerUser: 1_000_000,
  jobFileBytes: 1_000_000,
  jobKeepHours: 1,
}
const workers: (JobWorker & { ended: Promise<void> })[] = []
const supervisors: WorkerSupervisor[] = []
afterEach(async () => {
  for (const { stop } of workers) stop()
  await Promise.all(workers.splice(0).map(({ ended }) => ended))
  await Promise.all(supervisors.splice(0).map((supervisor) => supervisor.stop()))
  await db.query('delete from jobs')
})

const startWorker = (kinds: JobKind[], overrides: Partial<JobConfig> = {}) => {
  const worker = createJobWorker({
    db,
    kinds,
    config: { ...config, ...overrides },
    log: testLog(),
    idleMs: 60_000,
    retryMs: 1,
  })
  const running = { ...worker, ended: worker.run() }
  workers.push(running)
  return running
}
let owners = 0
const newOwner = () => `owner-${++owners}`
const addJob = (input: object, owner = newOwner(), kind = 'count') =>
  db.transaction((tx) => table.add({ kind, owner: { id: owner, displayName: owner }, input }, tx))
const getJob = async (id: string): Promise<JobRow> => {
  const { rows } = await jobList.run(db, {}, { where: (bind) => `id = ${bind(id)}` })
  return rows[0] as JobRow
}
const waitForStatus = (id: string, status: string) =>
  eventually(async () => {
    const row = await getJob(id)
    expect(row.status).toBe(status)
    return row
  })
const readNotes = async (owner: string): Promise<number[]> =>
  (await db.query<{ text: string }>(`select text from notes where text like $1 || ' %' order by id`, [owner])).map(
    ({ text }) => Number(text.split(' ')[1]),
  )
const numbersTo = (n: number) => Array.from({ length: n }, (_, index) => index + 1)

describe('Jobs', () => {
  it('a job commits each step with its counts and checkpoint, and succeeds with the last step', async () => {
    const owner = newOwner()
    const id = await addJob({ to: 5 }, owner)
    startWorker([countKind(db)])
    const row = await waitForStatus(id, 'succeeded')
    expect(row).toMatchObject({ counts: { notes: 5 }, progress: 1, error: null, startedAt: expect.any(Date) })
    expect(row.expiresAt?.getTime()).toBeGreaterThan(Date.now() + 3_500_000)
    expect(await readNotes(owner)).toEqual(numbersTo(5))
  })

  it('a job continues from its last checkpoint after a step throws, and repeats no committed step', async () => {
    const owner = newOwner()
    let failures = 0
    const counting = countKind(db)
    const failing = countKind(db, {
      run: (job, context) =>
        counting.run(job, {
          ...context,
          step: (work) =>
            context.step(async (tx) => {
              const checkpoint = await work(tx)
              if ((checkpoint.state as { at: number }).at === 3 && ++failures <= 2) throw new Error('not yet')
              return checkpoint
            }),
        }),
    })
    const id = await addJob({ to: 5 }, owner)
    startWorker([failing])
    await waitForStatus(id, 'succeeded')
    expect([failures, await readNotes(owner)]).toEqual([3, numbersTo(5)])
  })

  it('a job fails with the code given_up when a step always throws', async () => {
    let runs = 0
    const outcomes: unknown[] = []
    const poison: JobKind = {
      kind: 'poison',
      run: async (_job, { step }) => {
        runs += 1
        await step(async () => {
          throw new Error('secret detail')
        })
      },
      onFailedOrCancelled: async (job, outcome, tx) => {
        outcomes.push(outcome.status)
        await db.query('insert into notes (text) values ($1)', [`${job.owner.id} 99`], { tx })
      },
    }
    const owner = newOwner()
    const id = await addJob({}, owner, 'poison')
    startWorker([poison])
    const { error } = await waitForStatus(id, 'failed')
    expect(error).toMatchObject({ code: 'given_up', message: expect.stringContaining('6 times in a row') })
    expect(JSON.stringify(error)).not.toContain('secret')
    expect([runs, outcomes, await readNotes(owner)]).toEqual([6, ['failed'], [99]])
  })

  it('a job fails at once with code and message when its kind throws a JobFailure', async () => {
    const id = await addJob({}, newOwner(), 'strict')
    const run = async () => {
      throw new JobFailure('wrong_file', 'the file is not a list of customers')
    }
    startWorker([{ kind: 'strict', run }])
    expect((await waitForStatus(id, 'failed')).error).toEqual({
      code: 'wrong_file',
      message: 'the file is not a list of customers',
    })
  })

  it('a running job is cancelled after its current step, and a queued job at once', async () => {
    const [running, queued] = [newOwner(), newOwner()]
    const first = await addJob({ to: 1_000, pauseMs: 20 }, running)
    startWorker([countKind(db)], { jobsPerReplica: 1 })
    await eventually(async () => expect((await getJob(first)).counts['notes']).toBeGreaterThan(1))
    const second = await addJob({ to: 5 }, queued)
    expect(await table.cancel(second)).toBe(true)
    expect(await table.cancel(first)).toBe(true)
    const { counts } = await waitForStatus(first, 'cancelled')
    await waitForStatus(second, 'cancelled')
    expect(await readNotes(running)).toEqual(numbersTo(counts['notes'] ?? 0))
    expect([await readNotes(queued), await table.cancel(first)]).toEqual([[], false])
  })

  it('a worker that stops releases its job at once, and another worker continues it', async () => {
    const owner = newOwner()
    const id = await addJob({ to: 20, pauseMs: 10 }, owner)
    const first = startWorker([countKind(db)], { jobLeaseMs: 600_000 })
    await eventually(async () => expect((await getJob(id)).counts['notes']).toBeGreaterThan(2))
    first.stop()
    await first.ended
    expect((await getJob(id)).status).toBe('queued')
    startWorker([countKind(db)])
    await waitForStatus(id, 'succeeded')
    expect(await readNotes(owner)).toEqual(numbersTo(20))
  })
})

describe('Leases of jobs', () => {
  it('a worker whose job was taken over can write nothing more', async () => {
    const owner = newOwner()
    const id = await addJob({ to: 3 }, owner)
    const limits = { leaseMs: 1, perUser: 2 }
    const stale = await table.claim(['count'], limits)
    await eventually(async () => expect(await table.hasClaimable(['count'], limits)).toBe(true))
    startWorker([countKind(db)])
    await waitForStatus(id, 'succeeded')
    const late = db.transaction(async (tx) => {
      await db.query('insert into notes (text) values ($1)', [`${owner} 1`], { tx })
      const status = await table.checkpoint(id, stale?.lease ?? '', 1_000, { state: { at: 1 } }, tx)
      if (status === undefined) throw new Error('lease lost')
    })
    await expect(late).rejects.toThrow('lease lost')
    expect(await table.renew(id, stale?.lease ?? '', 1_000)).toBe(false)
    expect(await readNotes(owner)).toEqual(numbersTo(3))
  })

  it('a lease is renewed while a step takes longer than the lease', async () => {
    const owner = newOwner()
    const id = await addJob({ to: 2, pauseMs: 2_500 }, owner)
    startWorker([countKind(db)])
    startWorker([countKind(db)])
    await waitForStatus(id, 'succeeded')
    expect(await readNotes(owner)).toEqual(numbersTo(2))
  })
})

describe('Limits of jobs', () => {
  const runningOwners = async () =>
    (await db.query<{ ownerId: string }>(`select owner_id as "ownerId" from jobs where leased_until > now()`)).map(
      ({ ownerId }) => ownerId,
    )

  it('the limit per user holds across replicas, and further jobs run in order', async () => {
    const [busy, idle] = [newOwner(), newOwner()]
    const jobs = []
    for (const owner of [busy, busy, busy, idle]) jobs.push(await addJob({ to: 30, pauseMs: 20 }, owner))
    startWorker([countKind(db)], { jobsPerUser: 1 })
    startWorker([countKind(db)], { jobsPerUser: 1 })
    await eventually(async () => expect((await runningOwners()).sort()).toEqual([busy, idle].sort()))
    for (const id of jobs) await waitForStatus(id, 'succeeded')
    const rows = await Promise.all(jobs.slice(0, 3).map(getJob))
    const startTimes = rows.map(({ startedAt }) => startedAt?.getTime() ?? 0)
    expect(startTimes).toEqual([...startTimes].sort((a, b) => a - b))
    for (const [index, row] of rows.slice(1).entries())
      expect(row.startedAt?.getTime()).toBeGreaterThanOrEqual(rows[index]?.finishedAt?.getTime() ?? Number.NaN)
  })

  it('a replica with jobsPerReplica 1 runs one job at a time', async () => {
    const jobs = [await addJob({ to: 10, pauseMs: 10 }), await addJob({ to: 10, pauseMs: 10 })]
    startWorker([countKind(db)], { jobsPerReplica: 1 })
    const [first, second] = await Promise.all(jobs.map((id) => waitForStatus(id, 'succeeded')))
    expect(second?.startedAt?.getTime()).toBeGreaterThanOrEqual(first?.finishedAt?.getTime() ?? Number.NaN)
  })
})

describe('The worker process', () => {
  const startSupervisor = (overrides: Partial<JobConfig> = {}) => {
    const program = new URL('./job-worker.process.ts', import.meta.url)
    const settings = { ...database.config, logLevel: 'silent', ...config, ...overrides }
    const supervisor = createWorkerSupervisor({ db, program, config: settings, kinds: ['count'], log: testLog() })
    supervisors.push(supervisor)
    void supervisor.start()
    return supervisor
  }

  it('the worker process starts when there is a job, and after kill -9 a new one continues without repeating a step', async () => {
    const owner = newOwner()
    const supervisor = startSupervisor()
    expect(supervisor.pid()).toBeUndefined()
    const id = await addJob({ to: 40, pauseMs: 25 }, owner)
    supervisor.wake()
    for (const notes of [3, 12, 20]) {
      await eventually(async () => expect((await getJob(id)).counts['notes']).toBeGreaterThan(notes))
      await killWorker(supervisor)
    }
    await waitForStatus(id, 'succeeded')
    expect(await readNotes(owner)).toEqual(numbersTo(40))
  })

  it('the environment of the worker process contains no setting of the service', async () => {
    const secrets = { DATABASE_URL: 'postgres://u:p@h/d', RABBITMQ_URL: 'amqp://u:p@h', MEDIA_SIGNING_KEY: 'secret' }
    Object.assign(process.env, secrets)
    try {
      const id = await addJob({ to: 1_000, pauseMs: 25 })
      const supervisor = startSupervisor()
      await eventually(async () => expect((await getJob(id)).counts['notes']).toBeGreaterThan(1))
      const names = readFileSync(`/proc/${supervisor.pid()}/environ`, 'utf8')
        .split('\0')
        .map((entry) => entry.split('=', 1)[0])
      expect(names).toContain('PATH')
      expect(names.filter((name) => name && name in secrets)).toEqual([])
      await supervisor.stop()
    } finally {
      for (const name of Object.keys(secrets)) delete process.env[name]
    }
  })

  it('the worker process releases its jobs when the service stops', async () => {
    const id = await addJob({ to: 1_000, pauseMs: 25 })
    const supervisor = startSupervisor({ jobLeaseMs: 600_000 })
    await eventually(async () => expect((await getJob(id)).counts['notes']).toBeGreaterThan(1))
    await supervisor.stop()
    expect([supervisor.pid(), (await getJob(id)).status]).toEqual([undefined, 'queued'])
  })
})
