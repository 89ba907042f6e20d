import { connectDb, type Db } from '@clientele/platform/data/db'
import { listenTask } from '@clientele/platform/data/notifications'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'

let database: TestDatabase
let db: Db
let task: Task
let notified = 0
beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
})
afterAll(async () => {
  await db?.close()
  await database?.drop()
})
beforeEach(() => {
  notified = 0
  const onNotify = () => {
    notified += 1
  }
  task = listenTask({ db, channel: 'test_things', onNotify, log: testLog() })
})
afterEach(() => task.stop())

const notify = () => db.query(`select pg_notify('test_things', '')`)
const listeners = () =>
  db.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and query ilike 'listen %'`,
  )

it('tells of the connection and of each notification, and of none after it was stopped', async () => {
  await task.start()
  await eventually(() => expect(notified).toBe(1))
  await notify()
  await eventually(() => expect(notified).toBe(2))
  await task.stop()
  await notify()
  await db.ping()
  expect(notified).toBe(2)
})

it('takes another connection when its own is cut, and tells of it', async () => {
  await task.start()
  await eventually(() => expect(notified).toBe(1))
  const [listener] = await listeners()
  await db.query('select pg_terminate_backend($1)', [listener?.pid])
  await eventually(() => expect(notified).toBe(2))
  await notify()
  await eventually(() => expect(notified).toBe(3))
})

it('stops at once', async () => {
  await task.start()
  await eventually(() => expect(notified).toBe(1))
  const startedAt = performance.now()
  await task.stop()
  expect(performance.now() - startedAt).toBeLessThan(1_000)
  // Its connection is back in the pool, without a channel.
  expect(await db.query('select pg_listening_channels()')).toEqual([])
})

it('refuses a channel that is no plain name', () => {
  expect(() => listenTask({ db, channel: 'a; drop', onNotify: () => {} })).toThrow('is not the name of a channel')
})
