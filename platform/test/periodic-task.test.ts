import { connectDb, type Db } from '@clientele/platform/data/db'
import { leaderTask } from '@clientele/platform/data/leader-election'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'

const log = testLog()

const runOtherTask = async () => {
  let runs = 0
  const task = periodicTask({
    name: 'other',
    intervalMs: 5,
    log,
    run: () => {
      runs += 1
    },
  })
  await task.start()
  await eventually(() => expect(runs).toBeGreaterThan(4))
  await task.stop()
}

describe('Periodic task', () => {
  it('a task runs repeatedly without overlap and continues after a failed run', async () => {
    let runs = 0
    let running = 0
    let maxRunning = 0
    const task = periodicTask({
      name: 'test',
      intervalMs: 1,
      log,
      run: async () => {
        running += 1
        maxRunning = Math.max(maxRunning, running)
        await new Promise((resolve) => setImmediate(resolve))
        running -= 1
        runs += 1
        if (runs === 2) throw new Error('once')
      },
    })
    await task.start()
    await task.start()
    await eventually(() => expect(runs).toBeGreaterThan(4))
    await task.stop()
    const after = runs
    await runOtherTask()
    expect([runs, maxRunning]).toEqual([after, 1])
  })

  it('a task waits only for retryMs after a failed run', async () => {
    let runs = 0
    const run = () => {
      runs += 1
      if (runs === 1) throw new Error('once')
    }
    const task = periodicTask({ name: 'hourly', intervalMs: 3_600_000, retryMs: 1, runAtStart: true, log, run })
    await task.start()
    await eventually(() => expect(runs).toBe(2))
    await task.stop()
  })

  it('the first run starts at once only with runAtStart, and stop aborts the signal of a run', async () => {
    const started = Promise.withResolvers<AbortSignal>()
    const task = periodicTask({
      name: 'test',
      intervalMs: 60_000,
      runAtStart: true,
      log,
      run: (signal) => {
        started.resolve(signal)
        return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      },
    })
    let laterRuns = 0
    const later = periodicTask({
      name: 'later',
      intervalMs: 60_000,
      log,
      run: () => {
        laterRuns += 1
      },
    })
    await Promise.all([task.start(), later.start()])
    const signal = await started.promise
    expect(signal.aborted).toBe(false)
    await Promise.all([task.stop(), later.stop()])
    expect([signal.aborted, laterRuns]).toEqual([true, 0])
  })

  it('a run that exceeds timeoutMs is aborted, and the task runs again', async () => {
    let runs = 0
    const task = periodicTask({
      name: 'test',
      intervalMs: 1,
      runAtStart: true,
      timeoutMs: 20,
      log,
      run: (signal) => {
        runs += 1
        return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      },
    })
    await task.start()
    await eventually(() => expect(runs).toBeGreaterThan(2))
    await task.stop()
  })
})

describe('Leader task', () => {
  let database: TestDatabase
  let replicas: Db[]
  const running = new Set<number>()

  const replica = (index: number): Task => {
    const task: Task = {
      name: 'poll',
      start: () => void running.add(index),
      stop: async () => void running.delete(index),
    }
    return leaderTask({ db: replicas[index] as Db, name: 'poll', task, checkMs: 50, log })
  }

  beforeAll(async () => {
    database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
    replicas = await Promise.all([0, 1, 2].map(() => connectDb(database.config, 'platform_test')))
  })

  afterAll(async () => {
    for (const db of replicas) await db.close()
    await database.drop()
  })

  it('the task runs on one replica, and another one takes over when it stops or loses its connection', async () => {
    const tasks = [0, 1, 2].map(replica)
    for (const task of tasks) await task.start()
    await eventually(() => expect(running.size).toBe(1))
    const [first] = running
    await tasks[first ?? 0]?.stop()
    await eventually(() => expect(running.size).toBe(1))
    const [second] = running
    expect(second).not.toBe(first)

    const otherReplica = replicas[[0, 1, 2].find((index) => index !== second) ?? 0]
    await otherReplica?.query(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()
      and database = (select oid from pg_database where datname = current_database())`)
    await eventually(() => expect(running.has(second ?? -1)).toBe(false), { everyMs: 1 })
    await eventually(() => expect(running.size).toBe(1))
    for (const task of tasks) await task.stop()
    expect(running.size).toBe(0)
    const [held] = await (otherReplica as Db).query<{
      n: number
    }>(`select count(*)::int as n from pg_locks where locktype = 'advisory'
      and database = (select oid from pg_database where datname = current_database())`)
    expect(held?.n).toBe(0)
  })
})
