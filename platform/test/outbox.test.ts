import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net'
import { event } from '@clientele/contracts/event'
import { connectDb, type Db, newId } from '@clientele/platform/data/db'
import { type Broker, connectBroker, exchange } from '@clientele/platform/events/broker'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { createRelay, type Relay } from '@clientele/platform/events/outbox/relay'
import { removeUnroutable } from '@clientele/platform/events/outbox/unroutable-events'
import { withContext } from '@clientele/platform/runtime/context'
import { type EventSubscription, type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { type ConfirmChannel, connect } from 'amqplib'
import { z } from 'zod'

const noteCreated = event('note.created.v1', z.object({ id: z.string(), text: z.string() }))
const noteLost = event('note.lost.v1', z.object({ id: z.string(), text: z.string() }))
const actor = { id: 'ana', displayName: 'Ana' }
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

let database: TestDatabase
let db: Db
let rabbit: TestBroker
let subscription: EventSubscription
const started: { stop(): Promise<void> }[] = []

const startBroker = (name: string): Broker => {
  const broker = connectBroker({ url: rabbit.url, name, log: testLog() })
  started.push({ stop: () => broker.close() })
  return broker
}
const startRelay = (broker: Broker, pollMs?: number): Relay => {
  const relay = createRelay({ db, broker, source: '/notes', log: testLog(), ...(pollMs !== undefined && { pollMs }) })
  relay.start()
  started.unshift(relay)
  return relay
}
const addEvent = (id: string, version: number, type = noteCreated) =>
  db.transaction((tx) => outbox.add(tx, type.of({ id, text: 'hello', version } as never, actor)))
const outboxSize = async (): Promise<number> =>
  (await db.query<{ n: number }>('select count(*)::int as n from outbox'))[0]?.n ?? -1
const waitUntilEmpty = () => eventually(async () => expect(await outboxSize()).toBe(0), { timeoutMs: 20_000 })

beforeEach(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  rabbit = await testBroker()
  subscription = await rabbit.subscribe()
})

afterEach(async () => {
  for (const each of started.splice(0)) await each.stop()
  await rabbit.close()
  await db.close()
  await database.drop()
})

describe('Outbox and relay', () => {
  it('a committed event is published as CloudEvents 1.0 in structured JSON with the trace of its request, a rolled-back one is not', async () => {
    const received = await receiveMessages()
    startRelay(startBroker('relay'))
    const [first, second] = [newId(), newId()]
    await db
      .transaction(async (tx) => {
        await outbox.add(tx, noteCreated.of({ id: first, text: 'undone', version: 1 }, actor))
        throw new Error('changed my mind')
      })
      .catch(() => {})
    await withContext({ log: testLog(), requestId: 'r1', traceparent }, () => addEvent(second, 1))
    const published = await subscription.next('note.created.v1')
    expect(() => noteCreated.schema.parse(published)).not.toThrow()
    expect(published).toMatchObject({
      specversion: '1.0',
      source: '/notes',
      subject: second,
      datacontenttype: 'application/json',
      data: { text: 'hello', version: 1, actor: actor },
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
    await waitUntilEmpty()
    expect(subscription.all()).toHaveLength(1)
  })

  it('many events are added in one statement and keep their order', async () => {
    const id = newId()
    await db.transaction((tx) =>
      outbox.add(
        tx,
        ...Array.from({ length: 50 }, (_, n) => noteCreated.of({ id, text: `${n}`, version: n + 1 }, actor)),
      ),
    )
    startRelay(startBroker('relay'))
    await waitUntilEmpty()
    expect(versions(id)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1))
  })

  it('a record and its event are written by one statement, and neither if there is no record to write', async () => {
    startRelay(startBroker('relay'), 60_000)
    const [id, other] = [newId(), newId()]
    const receive = (eventId: string, isNew: boolean) => ({
      name: 'note_received',
      sql: `insert into inbox (consumer, event_id) select 'notes', $1::uuid where $2::boolean returning event_id`,
      values: [eventId, isNew],
    })
    const eventOf = (subject: string) => noteCreated.of({ id: subject, text: 'hello', version: 1 }, actor)
    expect(await outbox.addWith(db, receive(id, true), eventOf(id))).toBe(true)
    expect(await subscription.next('note.created.v1', id)).toMatchObject({ data: { text: 'hello' } })
    expect(await outbox.addWith(db, receive(other, false), eventOf(other))).toBe(false)
    await expect(outbox.addWith(db, receive(id, true), eventOf(other))).rejects.toThrow('Validation error')
    const undone = db.transaction(async (tx) => {
      await outbox.addWith(db, receive(other, true), eventOf(other), tx)
      throw new Error('changed my mind')
    })
    await expect(undone).rejects.toThrow('changed my mind')
    await waitUntilEmpty()
    expect(subscription.all()).toHaveLength(1)
    expect(await db.query('select event_id as "eventId" from inbox')).toEqual([{ eventId: id }])
  })

  it('adding an event after the end of the transaction throws', async () => {
    const late = await db.transaction(async (tx) => tx)
    await expect(outbox.add(late, noteCreated.of({ id: newId(), text: 'late', version: 1 }, actor))).rejects.toThrow(
      'has ended',
    )
    expect(await outboxSize()).toBe(0)
  })

  it('adding an event that the broker would never accept throws, because it would block later events', async () => {
    const long = event(`note.${'x'.repeat(251)}`, z.object({ id: z.string() }))
    await expect(addEvent(newId(), 1, long as never)).rejects.toThrow('longer than 255 bytes')
    const large = noteCreated.of({ id: newId(), text: 'x'.repeat(4_000_000), version: 1 } as never, actor)
    await expect(db.transaction((tx) => outbox.add(tx, large))).rejects.toThrow('larger than 4000000 bytes')
    expect(await outboxSize()).toBe(0)
  })

  it('an event is published right after its commit, without waiting for the next poll', async () => {
    const broker = startBroker('relay')
    startRelay(broker, 60_000)
    await broker.connected(10_000)
    await addEvent(newId(), 1)
    await subscription.next('note.created.v1', undefined, 5_000)
    await addEvent(newId(), 1)
    await subscription.next('note.created.v1', undefined, 5_000)
  })

  it('an event that was committed before a crash is published by the next relay', async () => {
    const id = newId()
    await addEvent(id, 1)
    expect(await outboxSize()).toBe(1)
    startRelay(startBroker('relay'))
    await expect(subscription.next('note.created.v1', id)).resolves.toMatchObject({ data: { version: 1 } })
  })

  it('three replicas publish each event once and in the order of its subject', async () => {
    for (const name of ['one', 'two', 'three']) startRelay(startBroker(name), 20)
    const subjects = Array.from({ length: 20 }, () => newId())
    await Promise.all(
      subjects.map(async (id) => {
        for (let version = 1; version <= 60; version += 1) await addEvent(id, version)
      }),
    )
    await waitUntilEmpty()
    for (const id of subjects) {
      expect(versions(id)).toEqual(Array.from({ length: 60 }, (_, n) => n + 1))
    }
  })

  it('a relay uses at most one database connection', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, n) => addEvent(newId(), n + 1)))
    const narrow = await connectDb({ ...database.config, databasePoolMax: 5 }, 'narrow')
    const relay = createRelay({ db: narrow, broker: startBroker('relay'), source: 'notes', log: testLog(), pollMs: 5 })
    relay.start()
    await waitUntilEmpty()
    await relay.stop()
    const connections = await db.query(`select from pg_stat_activity where application_name = 'narrow'`)
    await narrow.close()
    expect(connections).toHaveLength(1)
  })

  it('a relay reuses the plan of the statement that claims events', async () => {
    await db.close()
    db = await connectDb({ ...database.config, databasePoolMax: 1 }, 'platform_test')
    startRelay(startBroker('relay'), 60_000)
    for (let version = 1; version <= 10; version += 1) {
      await addEvent(newId(), version)
      await waitUntilEmpty()
    }
    const plans = 'select custom_plans::int as custom from pg_prepared_statements where name = $1'
    expect(await db.query(plans, ['outbox_take'])).toEqual([{ custom: 0 }])
  })
})

describe('An unroutable event', () => {
  it('an unroutable event stays in the outbox, blocks no other event, and is published once when a queue is bound', async () => {
    await rabbit.close()
    rabbit = await testBroker()
    const model = await connect(rabbit.url)
    started.unshift({ stop: () => model.close() })
    const channel = await model.createConfirmChannel()
    await channel.assertExchange(exchange, 'topic', { durable: true })
    const received = await consumeInto(channel, 'note.created.v1')

    startRelay(startBroker('relay'))
    const [lost, other] = [newId(), newId()]
    await db.transaction((tx) =>
      outbox.add(
        tx,
        noteLost.of({ id: lost, text: 'a', version: 1 }, actor),
        noteLost.of({ id: lost, text: 'b', version: 2 }, actor),
        noteCreated.of({ id: lost, text: 'c', version: 3 }, actor),
      ),
    )
    await addEvent(other, 1)
    await eventually(() => expect(received).toHaveLength(2))
    await eventually(async () => {
      const rows = await db.query<{ type: string; returned_at: Date | null }>('select type, returned_at from outbox')
      expect(rows).toHaveLength(2)
      for (const row of rows) expect(row).toMatchObject({ type: 'note.lost.v1', returned_at: expect.any(Date) })
    })

    const found = await consumeInto(channel, 'note.lost.v1')
    await waitUntilEmpty()
    expect(found.map(({ data }) => data.version)).toEqual([1, 2])
  })
})

it('events of every type of the registry wait in the outbox while no queue is bound, because activity-service consumes all', async () => {
  await rabbit.close()
  rabbit = await testBroker()
  const schema = z.object({ id: z.string(), text: z.string() })
  const types = ['order.placed.v1', 'order.declined.v1', 'product.stock_changed.v1']
  for (const type of types) await addEvent(newId(), 1, event(type, schema) as never)

  startRelay(startBroker('relay'))
  const rows = () => db.query('select type, returned_at is not null as returned from outbox order by id')
  await eventually(async () => expect(await rows()).toEqual(types.map((type) => ({ type, returned: true }))))
  await rabbit.subscribe()
  await waitUntilEmpty()
})

it('events that were unroutable for 30 days are removed; newer ones and those not published yet stay', async () => {
  const [expired, recent, waiting] = [newId(), newId(), newId()]
  for (const id of [expired, recent]) await addEvent(id, 1, noteLost)
  await addEvent(waiting, 1)
  const setAge = async (id: string, days: number, returned: boolean) =>
    db.query(
      `update outbox set created_at = now() - make_interval(days => $2::int),
         returned_at = case when $3::boolean then now() end where subject = $1 returning 1`,
      [id, days, returned],
    )
  await setAge(expired, 31, true)
  await setAge(recent, 29, true)
  await setAge(waiting, 31, false)
  await removeUnroutable({ db, log: testLog() })
  const left = await db.query<{ subject: string }>('select subject from outbox order by id')
  expect(left.map(({ subject }) => subject)).toEqual([recent, waiting])
  await db.query('delete from outbox returning 1', [])
})

describe('A broker outage', () => {
  it('no event is lost if the connection of the relay is closed again and again', async () => {
    startRelay(startBroker('relay'), 50)
    const id = newId()
    await addEvent(id, 1)
    await subscription.next('note.created.v1', id)
    for (let round = 0; round < 3; round += 1) {
      await eventually(async () => expect(await rabbit.closeConnections('relay publisher')).toBeGreaterThan(0), {
        timeoutMs: 20_000,
      })
      for (let n = 0; n < 20; n += 1) await addEvent(id, 2 + round * 20 + n)
    }
    await waitUntilEmpty()
    expect(withoutDuplicates(versions(id))).toEqual(Array.from({ length: 61 }, (_, n) => n + 1))
  }, 90_000)

  it('events wait while the broker is unreachable, also at startup, and are published once it is back', async () => {
    const proxy = await startTcpProxy(rabbit.url)
    await proxy.block()
    const broker = connectBroker({ url: proxy.url, name: 'relay', log: testLog() })
    started.push({ stop: () => broker.close() })
    startRelay(broker)
    const id = newId()
    for (let version = 1; version <= 3; version += 1) {
      await addEvent(id, version)
      await expect(broker.connected(300)).rejects.toThrow('broker not connected')
      expect(broker.isHealthy()).toBe(false)
      await proxy.open()
      await broker.connected(20_000)
      await waitUntilEmpty()
      await proxy.block()
      await eventually(() => expect(broker.isHealthy()).toBe(false))
    }
    expect(versions(id)).toEqual([1, 2, 3])
  }, 60_000)

  it('closing the broker connection does not take longer than its timeout if the broker no longer responds', async () => {
    const proxy = await startTcpProxy(rabbit.url)
    const broker = connectBroker({ url: proxy.url, name: 'relay', log: testLog() })
    await broker.connected(10_000)
    proxy.freeze()
    const startedAt = Date.now()
    await broker.close(200)
    expect(Date.now() - startedAt).toBeLessThan(1_000)
  })

  it('a channel is reopened after the broker has closed it because of an error', async () => {
    const broker = startBroker('relay')
    let opened = 0
    const recovering = broker.channel('test', async (channel) => {
      opened += 1
      await channel.assertExchange(exchange, 'topic', { durable: true })
    })
    const first = await recovering.ready(10_000)
    await first.checkQueue('there is no such queue').catch(() => {})
    await eventually(() => expect(opened).toBe(2))
    const second = await recovering.ready(10_000)
    expect(second).not.toBe(first)
    await second.checkExchange(exchange)
    await recovering.close()
    expect(recovering.current()).toBeUndefined()
  })
})

/**
 * A TCP proxy to the broker. `block` refuses connections, as during a restart; `freeze` drops packets, as in a network failure.
 */
const startTcpProxy = async (url: string) => {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = createConnection(Number(target.port || 5672), target.hostname)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => other.destroy())
    }
    client.pipe(upstream).pipe(client)
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
  subscription.all().flatMap((each) => (each.subject === subject ? [(each.data as Note['data']).version] : []))
const withoutDuplicates = (all: number[]): number[] => [...new Set(all)]

const consumeInto = async (channel: ConfirmChannel, type: string): Promise<Note[]> => {
  const notes: Note[] = []
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, exchange, type)
  await channel.consume(queue, (message) => message && notes.push(JSON.parse(message.content.toString()) as Note), {
    noAck: true,
  })
  return notes
}

const receiveMessages = async () => {
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
