import { connectDb, type Db } from '@clientele/platform/data/db'
import { leader } from '@clientele/platform/data/leader-election'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'

const log = testLog()

const severalRuns = async () => {
  let runs = 0
  const task = every({
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

describe('every', () => {
  it('runs again and again, never two runs at once, and goes on after a failed one', async () => {
    let runs = 0
    let atOnce = 0
    let mostAtOnce = 0
    const task = every({
      name: 'test',
      intervalMs: 1,
      log,
      run: async () => {
        atOnce += 1
        mostAtOnce = Math.max(mostAtOnce, atOnce)
        await new Promise((resolve) => setImmediate(resolve))
        atOnce -= 1
        runs += 1
        if (runs === 2) throw new Error('once')
      },
    })
    await task.start()
    await task.start()
    await eventually(() => expect(runs).toBeGreaterThan(4))
    await task.stop()
    const after = runs
    await severalRuns()
    expect([runs, mostAtOnce]).toEqual([after, 1])
  })

  it('does not wait a whole interval after a failed run', async () => {
    let runs = 0
    const run = () => {
      runs += 1
      if (runs === 1) throw new Error('once')
    }
    const task = every({ name: 'hourly', intervalMs: 3_600_000, retryMs: 1, runAtStart: true, log, run })
    await task.start()
    await eventually(() => expect(runs).toBe(2))
    await task.stop()
  })

  it('runs at start only if asked to, and tells a run that it is to end', async () => {
    const begun = Promise.withResolvers<AbortSignal>()
    const task = every({
      name: 'test',
      intervalMs: 60_000,
      runAtStart: true,
      log,
      run: (signal) => {
        begun.resolve(signal)
        return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      },
    })
    let early = 0
    const later = every({
      name: 'later',
      intervalMs: 60_000,
      log,
      run: () => {
        early += 1
      },
    })
    await Promise.all([task.start(), later.start()])
    const signal = await begun.promise
    expect(signal.aborted).toBe(false)
    await Promise.all([task.stop(), later.stop()])
    expect([signal.aborted, early]).toEqual([true, 0])
  })

  it('aborts a run that takes too long, and runs again', async () => {
    let runs = 0
    const task = every({
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

describe('leader', () => {
  let database: TestDatabase
  let replicas: Db[]
  const running = new Set<number>()

  const replica = (index: number): Task => {
    const task: Task = {
      name: 'poll',
      start: () => void running.add(index),
      stop: async () => void running.delete(index),
    }
    return leader({ db: replicas[index] as Db, name: 'poll', task, checkMs: 50, log })
  }

  beforeAll(async () => {
    database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
    replicas = await Promise.all([0, 1, 2].map(() => connectDb(database.config, 'platform_test')))
  })

  afterAll(async () => {
    for (const db of replicas) await db.close()
    await database.drop()
  })

  it('runs the task on one replica; another one takes over when it stops or loses its connection', async () => {
    const tasks = [0, 1, 2].map(replica)
    for (const task of tasks) await task.start()
    await eventually(() => expect(running.size).toBe(1))
    const [first] = running
    await tasks[first ?? 0]?.stop()
    await eventually(() => expect(running.size).toBe(1))
    const [second] = running
    expect(second).not.toBe(first)

    const rest = replicas[[0, 1, 2].find((index) => index !== second) ?? 0]
    await rest?.query(`select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and pid <> pg_backend_pid()
      and database = (select oid from pg_database where datname = current_database())`)
    await eventually(() => expect(running.has(second ?? -1)).toBe(false), { everyMs: 1 })
    await eventually(() => expect(running.size).toBe(1))
    for (const task of tasks) await task.stop()
    expect(running.size).toBe(0)
    const [held] = await (rest as Db).query<{
      n: number
    }>(`select count(*)::int as n from pg_locks where locktype = 'advisory'
      and database = (select oid from pg_database where datname = current_database())`)
    expect(held?.n).toBe(0)
  })
})
