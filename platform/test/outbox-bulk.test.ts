import { event } from '@clientele/contracts/event'
import { connectDb, type Db, newId } from '@clientele/platform/data/db'
import { type Broker, connectBroker } from '@clientele/platform/events/broker'
import type { BulkThrottleOptions } from '@clientele/platform/events/outbox/bulk-throttle'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { createRelay, type Relay } from '@clientele/platform/events/outbox/relay'
import { type EventSubscription, type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { asOwner, type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { z } from 'zod'

const noteCreated = event('note.created.v1', z.object({ id: z.string() }))
const actor = { id: 'ana', displayName: 'Ana' }

let database: TestDatabase
let db: Db
let rabbit: TestBroker
let broker: Broker
let subscription: EventSubscription
const relays: Relay[] = []

let refreshes = 0
const startRelay = (bulk: BulkThrottleOptions): void => {
  const observed: Db = {
    ...db,
    query: (sql, values, options) => {
      if (options?.name === 'outbox_bulk') refreshes += 1
      return db.query(sql, values, options)
    },
  }
  const relay = createRelay({ db: observed, broker, source: '/notes', log: testLog(), pollMs: 50, bulk })
  relay.start()
  relays.push(relay)
}
const eventsOf = (ids: readonly string[], version: number) =>
  ids.map((id) => noteCreated.of({ id, version } as never, actor))
const addInBulk = (ids: readonly string[], version = 1) =>
  db.transaction((tx) => outbox.addInBulk(tx, ...eventsOf(ids, version)))
const addEvent = (id: string, version: number) => db.transaction((tx) => outbox.add(tx, ...eventsOf([id], version)))
/** Waits until a relay has read the age of the bulk events once more and acted on it. */
const waitForRefresh = async (): Promise<void> => {
  const before = refreshes
  await eventually(() => expect(refreshes).toBeGreaterThan(before + 1))
}
const newIds = (count: number) => Array.from({ length: count }, newId)
const subjects = () => subscription.all().map(({ subject }) => subject)
const versionsOf = (id: string) =>
  subscription
    .all()
    .filter(({ subject }) => subject === id)
    .map(({ data }) => (data as { version?: number }).version)
/** Makes all events in the outbox older. */
const ageEvents = (seconds: number) =>
  db.query('update outbox set created_at = created_at - make_interval(secs => $1)', [seconds])

beforeEach(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  rabbit = await testBroker()
  subscription = await rabbit.subscribe()
  broker = connectBroker({ url: rabbit.url, name: 'relay', log: testLog() })
})

afterEach(async () => {
  for (const each of relays.splice(0)) await each.stop()
  await broker.close()
  await rabbit.close()
  await db.close()
  await database.drop()
})

describe('Bulk events', () => {
  it('bulk events wait while more are added, and request events overtake them', async () => {
    startRelay({ quietMs: 20_000 })
    const ids = newIds(40)
    await addInBulk(ids)
    const requested = newId()
    await addEvent(requested, 1)
    await eventually(() => expect(subjects()).toEqual([requested]))
    await ageEvents(2)
    await addInBulk(newIds(1))
    await waitForRefresh()
    expect(subjects()).toEqual([requested])
    await ageEvents(30)
    await eventually(() => expect(subjects()).toHaveLength(42))
    expect(subjects()).toEqual(expect.arrayContaining(ids))
  })

  it('bulk events wait no longer than the maximum time, even if more are added all the time', async () => {
    startRelay({ maxWaitMs: 60_000 })
    const old = newIds(8)
    await addInBulk(old)
    await ageEvents(61)
    await addInBulk(newIds(8))
    await eventually(() => expect(subjects().length).toBeGreaterThanOrEqual(8))
    // The transaction of the other events may not be flushed to disk yet.
    expect(subjects().slice(0, 8).sort()).toEqual(old.sort())
  })

  it('bulk events are published before a later request event of the same subject', async () => {
    startRelay({ quietMs: 3_600_000 })
    const [first = '', ...others] = newIds(300)
    await addInBulk([first, ...others])
    await addInBulk([first], 2)
    await addEvent(first, 3)
    await eventually(() => expect(versionsOf(first)).toEqual([1, 2, 3]))
    expect(subjects()).toHaveLength(3)
  })

  it('bulk events are published after all earlier request events of the same subject', async () => {
    const id = newId()
    for (let version = 1; version <= 150; version += 1) await addEvent(id, version)
    await addInBulk([id], 151)
    await ageEvents(10)
    startRelay({ perSecond: 10_000 })
    await eventually(() => expect(versionsOf(id)).toHaveLength(151))
    expect(versionsOf(id)).toEqual(Array.from({ length: 151 }, (_, n) => n + 1))
  })

  it('bulk events are published once and at the configured rate by several replicas', async () => {
    const ids = newIds(600)
    await addInBulk(ids)
    await ageEvents(10)
    const startedAt = Date.now()
    startRelay({ perSecond: 100 })
    startRelay({ perSecond: 100 })
    await eventually(() => expect(subjects().length).toBeGreaterThanOrEqual(600), { timeoutMs: 30_000 })
    expect(Date.now() - startedAt).toBeGreaterThan(2_000)
    expect(subjects().sort()).toEqual([...ids].sort())
  })

  it('the rate of bulk events increases slowly at first', async () => {
    await addInBulk(newIds(200))
    await ageEvents(10)
    startRelay({ perSecond: 200 })
    await eventually(() => expect(subjects().length).toBeGreaterThan(0))
    const startedAt = Date.now()
    await eventually(() => expect(subjects().length).toBeGreaterThanOrEqual(100))
    // At the full rate this would take half a second.
    expect(Date.now() - startedAt).toBeGreaterThan(1_000)
  })

  it('many waiting bulk events do not slow down request events', async () => {
    startRelay({ quietMs: 3_600_000 })
    await addEvent(newId(), 1)
    await eventually(() => expect(subjects()).toHaveLength(1))
    await db.query(`insert into outbox (part, event_id, type, subject, data)
      select 8 + n % 8, gen_random_uuid(), 'note.created.v1', gen_random_uuid()::text, '{}' from generate_series(1, 200000) as n`)
    await asOwner(database, 'analyze outbox')
    // A session reports its reads and deletes together, with a delay.
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
    const publish = async (n: number): Promise<void> => {
      await addEvent(newId(), 1)
      await eventually(() => expect(subjects()).toHaveLength(n))
    }
    // A pass between the insert and the analysis may have read the whole table. It is reported with the next deletion.
    await publish(2)
    const before = await reported(2)
    for (let n = 3; n <= 13; n += 1) await publish(n)
    expect((await reported(13)) - before).toBeLessThan(150_000)
  })
})
