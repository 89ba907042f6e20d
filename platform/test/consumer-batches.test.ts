import { connectDb, type Db, type Tx } from '@clientele/platform/data/db'
import { connectBroker } from '@clientele/platform/events/broker'
import { type Consumer, consumer } from '@clientele/platform/events/consumer/consumer'
import { pruneInbox } from '@clientele/platform/events/consumer/inbox'
import { startConsumers } from '@clientele/platform/events/consumer/start-consumers'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { asOwner, type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { noteChanged, noteEvent } from './notes.ts'

const queue = 'test-service.batches'
const count = 60

let database: TestDatabase
let db: Db
let rabbit: TestBroker
let stop: () => Promise<unknown> = async () => {}

beforeEach(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb({ ...database.config, databasePoolMax: 2 }, 'platform_test')
  await asOwner(database, 'create table stored (id uuid primary key, text text not null, transaction xid8 not null)')
  rabbit = await testBroker()
})

afterEach(async () => {
  await stop()
  await rabbit.close()
  await db.close()
  await database.drop()
})

type Note = { id: string; subject: string; data: { text: string } }

type Handle = (note: Note, tx: Tx) => Promise<unknown>
type HandleAll = (notes: Note[], tx: Tx) => Promise<unknown>

/** Starts a consumer on a queue that already contains events. One database connection is for handlers. */
const consume = (events: object[], handle: Handle, timeoutMs = 5_000) =>
  start(events, consumer({ queue, events: [noteChanged], delays: [100], timeoutMs, handle }))

/** As `consume`, with a handler of all events that wait. */
const consumeAll = (events: object[], handleAll: HandleAll, timeoutMs = 5_000) =>
  start(events, consumer({ queue, events: [noteChanged], delays: [100], timeoutMs, handleAll }))

const start = async (events: object[], declared: Consumer) => {
  const broker = connectBroker({ url: rabbit.url, name: 'batches', log: testLog() })
  const connect = () => startConsumers([declared], { broker, service: 'test', log: testLog(), db })
  const first = connect()
  await first.ready(10_000)
  await first.stop()
  for (const each of events) expect(await rabbit.publish(each as never)).toBe('confirmed')
  const running = connect()
  stop = () => running.stop(2_000).then(() => broker.close())
}
const notes = (): ReturnType<typeof noteEvent>[] => Array.from({ length: count }, (_, n) => noteEvent(`${n}`))
const store = (note: Note, tx: Tx) =>
  db.query('insert into stored values ($1, $2, pg_current_xact_id())', [note.id, note.data.text], { tx })
const stored = () => db.query<{ id: string; transaction: string }>('select id, transaction from stored')
const waitUntilStored = (expected: number) => eventually(async () => expect(await stored()).toHaveLength(expected))
const inbox = async () => (await db.query<{ id: string }>('select event_id as id from inbox')).map(({ id }) => id)

describe('Events that wait in a queue', () => {
  it('waiting events share transactions, and each is handled once, even one that is queued twice', async () => {
    const events = notes()
    let calls = 0
    await consume([...events, events[count - 1] as object], async (note, tx) => {
      calls += 1
      await store(note, tx)
    })
    await waitUntilStored(count)
    await eventually(async () => expect(await rabbit.messageCount(queue)).toBe(0))
    expect(calls).toBe(count)
    expect(new Set((await stored()).map(({ transaction }) => transaction)).size).toBeLessThan(count / 3)
    expect((await inbox()).toSorted()).toEqual(events.map(({ id }) => id).toSorted())
  })

  it('an event that fails is retried alone, and the other events of its transaction are handled once', async () => {
    const calls = new Map<string, number>()
    await consume(notes(), async (note, tx) => {
      const call = (calls.get(note.data.text) ?? 0) + 1
      calls.set(note.data.text, call)
      await store(note, tx)
      // Without the savepoint, PostgreSQL would reject every further statement of the transaction.
      if (note.data.text === '30' && call === 1) await store(note, tx)
    })
    await waitUntilStored(count)
    expect(calls.get('30')).toBe(2)
    expect([...calls.values()].reduce((sum, each) => sum + each)).toBe(count + 1)
    expect(await inbox()).toHaveLength(count)
  })

  it('an event whose handler times out does not affect the other events of its transaction', async () => {
    let blockedCalls = 0
    const blocked = Promise.withResolvers<void>()
    const handle = async (note: Note, tx: Tx) => {
      await store(note, tx)
      if (note.data.text !== '30') return
      blockedCalls += 1
      if (blockedCalls === 1) await blocked.promise
    }
    await consume(notes(), handle, 300)
    await waitUntilStored(count)
    blocked.resolve()
    expect(await inbox()).toHaveLength(count)
  })
})

describe('Events that wait for a consumer that handles all at once', () => {
  const storeAll: HandleAll = async (all, tx) => {
    for (const note of all) await store(note, tx)
  }

  it('waiting events are handled by few calls in their order, and each once, even one that is queued twice', async () => {
    const events = notes()
    const calls: string[][] = []
    await consumeAll([...events, events[count - 1] as object], async (all, tx) => {
      calls.push(all.map(({ data }) => data.text))
      await storeAll(all, tx)
    })
    await waitUntilStored(count)
    await eventually(async () => expect(await rabbit.messageCount(queue)).toBe(0))
    expect(calls.flat()).toEqual(events.map(({ data }) => data.text))
    expect(calls.length).toBeLessThan(count / 3)
    expect((await inbox()).toSorted()).toEqual(events.map(({ id }) => id).toSorted())
  })

  it('if a call fails, each of its events is handled alone, and only the one at fault is retried', async () => {
    let isAtFault = true
    const alone: string[] = []
    await consumeAll(notes(), async (all, tx) => {
      await storeAll(all, tx)
      if (all.length === 1) alone.push(all[0]?.data.text ?? '')
      if (!isAtFault || !all.some(({ data }) => data.text === '30')) return
      if (all.length === 1) isAtFault = false
      throw new Error('cannot handle 30')
    })
    await waitUntilStored(count)
    expect(alone.filter((text) => text === '30')).toHaveLength(2)
    expect(alone.length - new Set(alone).size).toBe(1)
    expect(await inbox()).toHaveLength(count)
  })

  it('events of one subject are handled in their order, in one call or in several', async () => {
    const texts: string[] = []
    const [first] = notes()
    const events = Array.from({ length: count }, (_, n) => ({ ...noteEvent(`${n}`), subject: first?.subject }))
    await consumeAll(events, async (all, tx) => {
      await storeAll(all, tx)
      texts.push(...all.map(({ data }) => data.text))
    })
    await waitUntilStored(count)
    expect(texts).toEqual(events.map(({ data }) => data.text))
  })
})

it('events that were handled more than 14 days ago are removed from the inbox, and no others', async () => {
  await db.query(
    `insert into inbox (consumer, event_id, received_at)
    select $1, gen_random_uuid(), now() - make_interval(days => n % 28) from generate_series(0, 2799) n`,
    ['test.notes'],
  )
  await pruneInbox(db, ['test.notes'], new AbortController().signal)
  const [row] = await db.query<{ n: number; oldest: number }>(
    `select count(*)::int as n, extract(day from now() - min(received_at))::int as oldest from inbox`,
  )
  expect(row).toEqual({ n: 1_400, oldest: 13 })
})
