import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import { event } from '@clientele/contracts/event'
import { connectDb, type Db, newId } from '@clientele/platform/data/db'
import { type Broker, connectBroker, exchange } from '@clientele/platform/events/broker'
import { forgetOldEvents } from '@clientele/platform/events/consumer/inbox'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { createRelay, type Relay } from '@clientele/platform/events/outbox/relay'
import { dropUnwanted } from '@clientele/platform/events/outbox/unroutable-events'
import { withContext } from '@clientele/platform/runtime/context'
import { type Tap, type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { type ConfirmChannel, connect } from 'amqplib'
import { z } from 'zod'

const noteCreated = event('note.created.v1', z.object({ id: z.string(), text: z.string() }))
const noteLost = event('note.lost.v1', z.object({ id: z.string(), text: z.string() }))
const author = { id: 'ana', displayName: 'Ana' }
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

let database: TestDatabase
let db: Db
let rabbit: TestBroker
let tap: Tap
const started: { stop(): Promise<void> }[] = []

const aBroker = (name: string): Broker => {
  const broker = connectBroker({ url: rabbit.url, name, log: testLog() })
  started.push({ stop: () => broker.close() })
  return broker
}
const aRelay = (broker: Broker, pollMs?: number): Relay => {
  const relay = createRelay({ db, broker, source: '/notes', log: testLog(), ...(pollMs !== undefined && { pollMs }) })
  relay.start()
  started.unshift(relay)
  return relay
}
const add = (id: string, version: number, type = noteCreated) =>
  db.transaction((tx) => outbox.add(tx, type.of({ id, text: 'hello', version } as never, author)))
const waiting = async (): Promise<number> =>
  (await db.query<{ n: number }>('select count(*)::int as n from outbox'))[0]?.n ?? -1
const untilEmpty = () => eventually(async () => expect(await waiting()).toBe(0), { timeoutMs: 20_000 })

beforeEach(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  rabbit = await testBroker()
  tap = await rabbit.tap()
})

afterEach(async () => {
  for (const each of started.splice(0)) await each.stop()
  await rabbit.close()
  await db.close()
  await database.drop()
})

describe('outbox and relay', () => {
  it('publishes a committed event as CloudEvents 1.0 in structured JSON with the trace of the request, and nothing of a rolled-back one', async () => {
    const received = await rawTap()
    aRelay(aBroker('relay'))
    const [first, second] = [newId(), newId()]
    await db
      .transaction(async (tx) => {
        await outbox.add(tx, noteCreated.of({ id: first, text: 'undone', version: 1 }, author))
        throw new Error('changed my mind')
      })
      .catch(() => {})
    await withContext({ log: testLog(), requestId: 'r1', traceparent }, () => add(second, 1))
    const published = await tap.next('note.created.v1')
    expect(() => noteCreated.schema.parse(published)).not.toThrow()
    expect(published).toMatchObject({
      specversion: '1.0',
      source: '/notes',
      subject: second,
      datacontenttype: 'application/json',
      data: { text: 'hello', version: 1, actor: author },
    })
    const [message] = await eventually(() =>
      received.length > 0 ? received : Promise.reject(new Error('nothing yet')),
    )
    expect(message?.properties).toMatchObject({
      contentType: 'application/cloudevents+json',
      messageId: published.id,
      deliveryMode: 2,
      headers: { traceparent },
    })
    await untilEmpty()
    expect(tap.all()).toHaveLength(1)
  })

  it('adds many events by one statement and keeps their order', async () => {
    const id = newId()
    await db.transaction((tx) =>
      outbox.add(
        tx,
        ...Array.from({ length: 50 }, (_, n) => noteCreated.of({ id, text: `${n}`, version: n + 1 }, author)),
      ),
    )
    aRelay(aBroker('relay'))
    await untilEmpty()
    expect(versions(id)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1))
  })

  it('refuses events after the end of the transaction', async () => {
    const late = await db.transaction(async (tx) => tx)
    await expect(outbox.add(late, noteCreated.of({ id: newId(), text: 'late', version: 1 }, author))).rejects.toThrow(
      'has ended',
    )
    expect(await waiting()).toBe(0)
  })

  it('refuses an event that no broker would take, which would stop those behind it', async () => {
    const long = event(`note.${'x'.repeat(251)}`, z.object({ id: z.string() }))
    await expect(add(newId(), 1, long as never)).rejects.toThrow('longer than 255 bytes')
    const large = noteCreated.of({ id: newId(), text: 'x'.repeat(4_000_000), version: 1 } as never, author)
    await expect(db.transaction((tx) => outbox.add(tx, large))).rejects.toThrow('larger than 4000000 bytes')
    expect(await waiting()).toBe(0)
  })

  it('publishes at once after a commit, without waiting for the next poll', async () => {
    const broker = aBroker('relay')
    aRelay(broker, 60_000)
    await broker.connected(10_000)
    await add(newId(), 1)
    await tap.next('note.created.v1', undefined, 5_000)
    await add(newId(), 1)
    await tap.next('note.created.v1', undefined, 5_000)
  })

  it('publishes what was committed while no relay ran (crash between commit and publish)', async () => {
    const id = newId()
    await add(id, 1)
    expect(await waiting()).toBe(1)
    aRelay(aBroker('relay'))
    await expect(tap.next('note.created.v1', id)).resolves.toMatchObject({ data: { version: 1 } })
  })

  it('relays by three replicas at once each event once, without an inversion in any subject', async () => {
    for (const name of ['one', 'two', 'three']) aRelay(aBroker(name), 20)
    const subjects = Array.from({ length: 20 }, () => newId())
    await Promise.all(
      subjects.map(async (id) => {
        for (let version = 1; version <= 60; version += 1) await add(id, version)
      }),
    )
    await untilEmpty()
    for (const id of subjects) {
      expect(versions(id)).toEqual(Array.from({ length: 60 }, (_, n) => n + 1))
    }
  })

  it('takes one database connection at most', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, n) => add(newId(), n + 1)))
    const narrow = await connectDb({ ...database.config, databasePoolMax: 5 }, 'narrow')
    const relay = createRelay({ db: narrow, broker: aBroker('relay'), source: 'notes', log: testLog(), pollMs: 5 })
    relay.start()
    await untilEmpty()
    await relay.stop()
    const connections = await db.query(`select from pg_stat_activity where application_name = 'narrow'`)
    await narrow.close()
    expect(connections).toHaveLength(1)
  })

  it('keeps the plan by which events are taken', async () => {
    await db.close()
    db = await connectDb({ ...database.config, databasePoolMax: 1 }, 'platform_test')
    aRelay(aBroker('relay'), 60_000)
    for (let version = 1; version <= 10; version += 1) {
      await add(newId(), version)
      await untilEmpty()
    }
    const plans = 'select custom_plans::int as anew from pg_prepared_statements where name = $1'
    expect(await db.query(plans, ['outbox_take'])).toEqual([{ anew: 0 }])
  })
})

describe('inbox', () => {
  it('forgets events that it saw more than 14 days ago, and no others', async () => {
    await db.query(
      `insert into inbox (consumer, event_id, received_at)
      select $1, gen_random_uuid(), now() - make_interval(days => n % 28) from generate_series(0, 2799) n`,
      ['test.notes'],
    )
    await forgetOldEvents(db, ['test.notes'], new AbortController().signal)
    const [row] = await db.query<{ n: number; oldest: number }>(
      `select count(*)::int as n, extract(day from now() - min(received_at))::int as oldest from inbox`,
    )
    expect(row).toEqual({ n: 1_400, oldest: 13 })
  })
})

describe('an event that no queue takes', () => {
  it('stays, does not block the others, and is delivered once when a queue is there', async () => {
    await rabbit.close()
    rabbit = await testBroker()
    const model = await connect(rabbit.url)
    started.unshift({ stop: () => model.close() })
    const channel = await model.createConfirmChannel()
    await channel.assertExchange(exchange, 'topic', { durable: true })
    const taken = await consumeInto(channel, 'note.created.v1')

    aRelay(aBroker('relay'))
    const [lost, other] = [newId(), newId()]
    await db.transaction((tx) =>
      outbox.add(
        tx,
        noteLost.of({ id: lost, text: 'a', version: 1 }, author),
        noteLost.of({ id: lost, text: 'b', version: 2 }, author),
        noteCreated.of({ id: lost, text: 'c', version: 3 }, author),
      ),
    )
    await add(other, 1)
    await eventually(() => expect(taken).toHaveLength(2))
    await eventually(async () => {
      const rows = await db.query<{ type: string; returned_at: Date | null }>('select type, returned_at from outbox')
      expect(rows).toHaveLength(2)
      for (const row of rows) expect(row).toMatchObject({ type: 'note.lost.v1', returned_at: expect.any(Date) })
    })

    const found = await consumeInto(channel, 'note.lost.v1')
    await untilEmpty()
    expect(found.map(({ data }) => data.version)).toEqual([1, 2])
  })
})

it('events that no queue took for 30 days are removed; younger ones and those that wait for their turn stay', async () => {
  const [old, young, waits] = [newId(), newId(), newId()]
  for (const id of [old, young]) await add(id, 1, noteLost)
  await add(waits, 1)
  const age = async (id: string, days: number, returned: boolean) =>
    db.query(
      `update outbox set created_at = now() - make_interval(days => $2::int),
         returned_at = case when $3::boolean then now() end where subject = $1 returning 1`,
      [id, days, returned],
    )
  await age(old, 31, true)
  await age(young, 29, true)
  await age(waits, 31, false)
  await dropUnwanted({ db, log: testLog() })
  const left = await db.query<{ subject: string }>('select subject from outbox order by id')
  expect(left.map(({ subject }) => subject)).toEqual([young, waits])
  await db.query('delete from outbox returning 1', [])
})

describe('broker away', () => {
  it('keeps events while the connection is cut again and again, and publishes each', async () => {
    aRelay(aBroker('victim'), 50)
    const id = newId()
    await add(id, 1)
    await tap.next('note.created.v1', id)
    for (let round = 0; round < 3; round += 1) {
      await eventually(async () => expect(await rabbit.cut('victim publisher')).toBeGreaterThan(0), {
        timeoutMs: 20_000,
      })
      for (let n = 0; n < 20; n += 1) await add(id, 2 + round * 20 + n)
    }
    await untilEmpty()
    expect(firstSeen(versions(id))).toEqual(Array.from({ length: 61 }, (_, n) => n + 1))
  }, 90_000)

  it('keeps events while nothing listens at the address, also at start, and publishes them when the broker is back', async () => {
    const street = await aStreet(rabbit.url)
    await street.block()
    const broker = connectBroker({ url: street.url, name: 'relay', log: testLog() })
    started.push({ stop: () => broker.close() })
    aRelay(broker)
    const id = newId()
    for (let version = 1; version <= 3; version += 1) {
      await add(id, version)
      await expect(broker.connected(300)).rejects.toThrow('broker not connected')
      expect(broker.healthy()).toBe(false)
      await street.open()
      await broker.connected(20_000)
      await untilEmpty()
      await street.block()
      await eventually(() => expect(broker.healthy()).toBe(false))
    }
    expect(versions(id)).toEqual([1, 2, 3])
  }, 60_000)

  it('closes within its deadline although the broker does not answer any more', async () => {
    const street = await aStreet(rabbit.url)
    const broker = connectBroker({ url: street.url, name: 'relay', log: testLog() })
    await broker.connected(10_000)
    street.freeze()
    const began = Date.now()
    await broker.close(200)
    expect(Date.now() - began).toBeLessThan(1_000)
  })

  it('a channel that the broker closes for an error is opened again', async () => {
    const broker = aBroker('relay')
    let opened = 0
    const kept = broker.channel('test', async (channel) => {
      opened += 1
      await channel.assertExchange(exchange, 'topic', { durable: true })
    })
    const first = await kept.ready(10_000)
    await first.checkQueue('there is no such queue').catch(() => {})
    await eventually(() => expect(opened).toBe(2))
    const second = await kept.ready(10_000)
    expect(second).not.toBe(first)
    await second.checkExchange(exchange)
    await kept.close()
    expect(kept.current()).toBeUndefined()
  })
})

/** A way to the broker that can be blocked, as when it restarts, or frozen, as when its network is gone. */
const aStreet = async (url: string) => {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = createConnection(Number(target.port || 5672), target.hostname)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => other.destroy())
    }
    near.pipe(far).pipe(near)
  })
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo
  const block = async () => {
    if (!server.listening) return
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    sockets.clear()
    await closed
  }
  started.push({ stop: block })
  return {
    url: Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href,
    block,
    open: () => listen(port),
    freeze: () => {
      for (const socket of sockets) socket.unpipe().pause()
    },
  }
}

type Note = { subject: string; data: { version: number } }
const versions = (subject: string): number[] =>
  tap.all().flatMap((each) => (each.subject === subject ? [(each.data as Note['data']).version] : []))
const firstSeen = (all: number[]): number[] => [...new Set(all)]

const consumeInto = async (channel: ConfirmChannel, type: string): Promise<Note[]> => {
  const notes: Note[] = []
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, exchange, type)
  await channel.consume(queue, (message) => message && notes.push(JSON.parse(message.content.toString()) as Note), {
    noAck: true,
  })
  return notes
}

const rawTap = async () => {
  const messages: { properties: { headers?: object; messageId?: string } }[] = []
  const model = await connect(rabbit.url)
  started.push({ stop: () => model.close() })
  const channel = await model.createChannel()
  await channel.assertExchange(exchange, 'topic', { durable: true })
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, exchange, '#')
  await channel.consume(queue, (message) => message && messages.push(message), { noAck: true })
  return messages
}
