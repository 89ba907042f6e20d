import { event } from '@clientele/contracts/event'
import { connectDb, type Db, newId } from '@clientele/platform/data/db'
import { type Broker, connectBroker } from '@clientele/platform/events/broker'
import type { BulkPace } from '@clientele/platform/events/outbox/bulk-throttle'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { createRelay, type Relay } from '@clientele/platform/events/outbox/relay'
import { type Tap, type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { z } from 'zod'

const noteCreated = event('note.created.v1', z.object({ id: z.string() }))
const author = { id: 'ana', displayName: 'Ana' }

let database: TestDatabase
let db: Db
let rabbit: TestBroker
let broker: Broker
let tap: Tap
const relays: Relay[] = []

let looks = 0
const relay = (bulk: BulkPace): void => {
  const observed: Db = {
    ...db,
    query: (sql, values, options) => {
      if (options?.name === 'outbox_bulk') looks += 1
      return db.query(sql, values, options)
    },
  }
  const made = createRelay({ db: observed, broker, source: '/notes', log: testLog(), pollMs: 50, bulk })
  made.start()
  relays.push(made)
}
const eventsOf = (ids: readonly string[], version: number) =>
  ids.map((id) => noteCreated.of({ id, version } as never, author))
const addInBulk = (ids: readonly string[], version = 1) =>
  db.transaction((tx) => outbox.addInBulk(tx, ...eventsOf(ids, version)))
const add = (id: string, version: number) => db.transaction((tx) => outbox.add(tx, ...eventsOf([id], version)))
/** Until the relay has looked at them once more, and acted on it. */
const looked = async (): Promise<void> => {
  const before = looks
  await eventually(() => expect(looks).toBeGreaterThan(before + 1))
}
const some = (count: number) => Array.from({ length: count }, newId)
const subjects = () => tap.all().map(({ subject }) => subject)
const versionsOf = (id: string) =>
  tap
    .all()
    .filter(({ subject }) => subject === id)
    .map(({ data }) => (data as { version?: number }).version)
/** As if they had been written so long ago. */
const age = (seconds: number) =>
  db.query('update outbox set created_at = created_at - make_interval(secs => $1)', [seconds])

beforeEach(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  rabbit = await testBroker()
  tap = await rabbit.tap()
  broker = connectBroker({ url: rabbit.url, name: 'relay', log: testLog() })
})

afterEach(async () => {
  for (const each of relays.splice(0)) await each.stop()
  await broker.close()
  await rabbit.close()
  await db.close()
  await database.drop()
})

describe('events in bulk', () => {
  it('wait while more of them come, and those of requests pass them', async () => {
    relay({ quietMs: 20_000 })
    const ids = some(40)
    await addInBulk(ids)
    const asked = newId()
    await add(asked, 1)
    await eventually(() => expect(subjects()).toEqual([asked]))
    await age(2)
    await addInBulk(some(1))
    await looked()
    expect(subjects()).toEqual([asked])
    await age(30)
    await eventually(() => expect(subjects()).toHaveLength(42))
    expect(subjects()).toEqual(expect.arrayContaining(ids))
  })

  it('do not wait for ever where there is no end to them', async () => {
    relay({ longestMs: 60_000 })
    const old = some(8)
    await addInBulk(old)
    await age(61)
    await addInBulk(some(8))
    await eventually(() => expect(subjects().length).toBeGreaterThanOrEqual(8))
    // The transaction of the others may not have reached the disk yet.
    expect(subjects().slice(0, 8).sort()).toEqual(old.sort())
  })

  it('leave before an event of a request about the same subject', async () => {
    relay({ quietMs: 3_600_000 })
    const [first = '', ...others] = some(300)
    await addInBulk([first, ...others])
    await addInBulk([first], 2)
    await add(first, 3)
    await eventually(() => expect(versionsOf(first)).toEqual([1, 2, 3]))
    expect(subjects()).toHaveLength(3)
  })

  it('stay behind earlier events of requests about the same subject, however many wait', async () => {
    const id = newId()
    for (let version = 1; version <= 150; version += 1) await add(id, version)
    await addInBulk([id], 151)
    await age(10)
    relay({ perSecond: 10_000 })
    await eventually(() => expect(versionsOf(id)).toHaveLength(151))
    expect(versionsOf(id)).toEqual(Array.from({ length: 151 }, (_, n) => n + 1))
  })

  it('leave at their rate, each once, by several replicas', async () => {
    const ids = some(600)
    await addInBulk(ids)
    await age(10)
    const begun = Date.now()
    relay({ perSecond: 100 })
    relay({ perSecond: 100 })
    await eventually(() => expect(subjects().length).toBeGreaterThanOrEqual(600), { timeoutMs: 30_000 })
    expect(Date.now() - begun).toBeGreaterThan(2_000)
    expect(subjects().sort()).toEqual([...ids].sort())
  })

  it('begin slowly: those who receive them are not warm yet', async () => {
    await addInBulk(some(200))
    await age(10)
    relay({ perSecond: 200 })
    await eventually(() => expect(subjects().length).toBeGreaterThan(0))
    const begun = Date.now()
    await eventually(() => expect(subjects().length).toBeGreaterThanOrEqual(100))
    // At the full rate it would be half of one.
    expect(Date.now() - begun).toBeGreaterThan(1_000)
  })

  it('do not slow the others down when very many wait', async () => {
    relay({ quietMs: 3_600_000 })
    await add(newId(), 1)
    await eventually(() => expect(subjects()).toHaveLength(1))
    await db.query(`insert into outbox (part, event_id, type, subject, data)
      select 8 + n % 8, gen_random_uuid(), 'note.created.v1', gen_random_uuid()::text, '{}' from generate_series(1, 200000) as n`)
    await db.query('analyze outbox')
    // A session reports what it has read together with what it has deleted, some time later.
    const reported = async (deleted: number): Promise<number> =>
      eventually(
        async () => {
          const [row] = await db.query<{ read: number; deleted: number }>(
            `select (seq_tup_read + idx_tup_fetch)::int as read, n_tup_del::int as deleted
             from pg_stat_user_tables where relname = 'outbox'`,
          )
          expect(row?.deleted).toBe(deleted)
          return row?.read ?? 0
        },
        { timeoutMs: 30_000 },
      )
    const before = await reported(1)
    for (let n = 2; n <= 12; n += 1) {
      await add(newId(), 1)
      await eventually(() => expect(subjects()).toHaveLength(n))
    }
    expect((await reported(12)) - before).toBeLessThan(150_000)
  })
})
