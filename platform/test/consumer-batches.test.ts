import { connectDb, type Db, type Tx } from '@clientele/platform/data/db'
import { connectBroker } from '@clientele/platform/events/broker'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import { startConsumers } from '@clientele/platform/events/consumer/start-consumers'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { aNote, noteChanged } from './notes.ts'

const queue = 'test-service.batches'
const count = 60

let database: TestDatabase
let db: Db
let rabbit: TestBroker
let stop: () => Promise<unknown> = async () => {}

beforeEach(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb({ ...database.config, databasePoolMax: 2 }, 'platform_test')
  await db.query('create table kept (id uuid primary key, text text not null, transaction xid8 not null)')
  rabbit = await testBroker()
})

afterEach(async () => {
  await stop()
  await rabbit.close()
  await db.close()
  await database.drop()
})

type Note = { id: string; subject: string; data: { text: string } }

/** Starts the consumer on a queue in which events wait already; one connection is for handlers. */
const consume = async (events: object[], handle: (note: Note, tx: Tx) => Promise<unknown>, timeoutMs = 5_000) => {
  const broker = connectBroker({ url: rabbit.url, name: 'batches', log: testLog() })
  const declared = consumer({ queue, events: [noteChanged], delays: [100], timeoutMs, handle })
  const start = () => startConsumers([declared], { broker, service: 'test', log: testLog(), db })
  const first = start()
  await first.ready(10_000)
  await first.stop()
  for (const each of events) expect(await rabbit.publish(each as never)).toBe('confirmed')
  const running = start()
  stop = () => running.stop(2_000).then(() => broker.close())
}
const notes = (): ReturnType<typeof aNote>[] => Array.from({ length: count }, (_, n) => aNote(`${n}`))
const keep = (note: Note, tx: Tx) =>
  db.query('insert into kept values ($1, $2, pg_current_xact_id())', [note.id, note.data.text], { tx })
const kept = () => db.query<{ id: string; transaction: string }>('select id, transaction from kept')
const untilKept = (many: number) => eventually(async () => expect(await kept()).toHaveLength(many))
const inbox = async () => (await db.query<{ id: string }>('select event_id as id from inbox')).map(({ id }) => id)

describe('events that wait', () => {
  it('are handled several in one transaction, each once, also one that waits twice', async () => {
    const events = notes()
    let calls = 0
    await consume([...events, events[count - 1] as object], async (note, tx) => {
      calls += 1
      await keep(note, tx)
    })
    await untilKept(count)
    await eventually(async () => expect(await rabbit.count(queue)).toBe(0))
    expect(calls).toBe(count)
    expect(new Set((await kept()).map(({ transaction }) => transaction)).size).toBeLessThan(count / 3)
    expect((await inbox()).toSorted()).toEqual(events.map(({ id }) => id).toSorted())
  })

  it('one that fails is undone and tried again by itself, and those beside it are handled once', async () => {
    const calls = new Map<string, number>()
    await consume(notes(), async (note, tx) => {
      const call = (calls.get(note.data.text) ?? 0) + 1
      calls.set(note.data.text, call)
      await keep(note, tx)
      // PostgreSQL refuses all that follows in the transaction, but for a savepoint.
      if (note.data.text === '30' && call === 1) await keep(note, tx)
    })
    await untilKept(count)
    expect(calls.get('30')).toBe(2)
    expect([...calls.values()].reduce((sum, each) => sum + each)).toBe(count + 1)
    expect(await inbox()).toHaveLength(count)
  })

  it('one that does not end takes no other along', async () => {
    let stuck = 0
    const late = Promise.withResolvers<void>()
    const handle = async (note: Note, tx: Tx) => {
      await keep(note, tx)
      if (note.data.text !== '30') return
      stuck += 1
      if (stuck === 1) await late.promise
    }
    await consume(notes(), handle, 300)
    await untilKept(count)
    late.resolve()
    expect(await inbox()).toHaveLength(count)
  })
})
