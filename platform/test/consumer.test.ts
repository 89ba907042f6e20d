import { connectDb, type Db, newId, type Tx } from '@clientele/platform/data/db'
import { type Broker, connectBroker } from '@clientele/platform/events/broker'
import { type Consumer, type ConsumerOptions, consumer } from '@clientele/platform/events/consumer/consumer'
import type { RunningConsumer } from '@clientele/platform/events/consumer/running-consumer'
import { startConsumers } from '@clientele/platform/events/consumer/start-consumers'
import { currentContext } from '@clientele/platform/runtime/context'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { asOwner, type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { connect } from 'amqplib'
import { noteChanged, noteEvent } from './notes.ts'

const queue = 'test-service.notes'
const delays = [100, 300, 500]

let database: TestDatabase
let db: Db
let rabbit: TestBroker
let started: { stop(): Promise<void> }[] = []

const startBroker = (name = 'test-service'): Broker => {
  const broker = connectBroker({ url: rabbit.url, name, log: testLog() })
  started.push({ stop: () => broker.close() })
  return broker
}
const run = async (declared: Consumer, broker = startBroker()): Promise<RunningConsumer> => {
  const running = startConsumers([declared], { broker, service: 'test-service', log: testLog(), db })
  started.unshift({ stop: () => running.stop(2_000) })
  await running.ready(10_000)
  return running
}
const upsertSeen = (id: string, text: string, version: number, tx: Tx) =>
  db.query(
    `insert into seen (id, text, version) values ($1, $2, $3)
     on conflict (id) do update set text = excluded.text, version = excluded.version where seen.version < excluded.version`,
    [id, text, version],
    { tx },
  )
const seen = () =>
  db.query<{ id: string; text: string; version: number }>('select id, text, version from seen order by version')
const inboxSize = async () => (await db.query<{ n: number }>('select count(*)::int as n from inbox'))[0]?.n
const waitForCount = (name: string, count: number) =>
  eventually(async () => expect(await rabbit.messageCount(name)).toBe(count))
const deadLetterHeaders = async (): Promise<Record<string, unknown>> => {
  const model = await connect(rabbit.url)
  const channel = await model.createChannel()
  const message = await channel.get(`${queue}.dead`, { noAck: false })
  await model.close()
  if (!message) throw new Error('no dead letter')
  return message.properties.headers ?? {}
}

beforeEach(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  await asOwner(database, 'create table seen (id text primary key, text text not null, version integer not null)')
  rabbit = await testBroker()
})

afterEach(async () => {
  for (const each of started) await each.stop()
  started = []
  await rabbit.close()
  await db.close()
  await database.drop()
})

type NoteOptions = Extract<ConsumerOptions<typeof noteChanged>, { handle: unknown }>

const noteConsumer = (overrides: Partial<NoteOptions> = {}) =>
  consumer({
    queue,
    events: [noteChanged],
    delays,
    handle: ({ subject, data }, tx) => upsertSeen(subject, data.text, data.version, tx),
    ...overrides,
  })

const countingConsumer = (count: () => void) =>
  noteConsumer({
    handle: ({ subject, data }, tx) => {
      count()
      return upsertSeen(subject, data.text, data.version, tx)
    },
  })

describe('A consumer', () => {
  it('an event that is delivered twice is handled once', async () => {
    let calls = 0
    await run(
      countingConsumer(() => {
        calls += 1
      }),
    )
    const twice = noteEvent('once')
    expect(await rabbit.publish(twice)).toBe('confirmed')
    await rabbit.publish(twice)
    const after = noteEvent('after', { subject: twice.subject, version: 2 })
    await rabbit.publish(after)
    await eventually(async () => expect(await seen()).toMatchObject([{ text: 'after' }]))
    expect(calls).toBe(2)
    expect(await inboxSize()).toBe(2)
    await waitForCount(queue, 0)
  })

  it('an event that the filter rejects is acknowledged and not recorded in the inbox', async () => {
    const filter = ({ data }: { data: { text: string } }) => data.text !== 'nothing'
    await run(noteConsumer({ filter }))
    const texts = ['nothing', 'a', 'nothing', 'nothing', 'b']
    for (const [version, text] of texts.entries()) await rabbit.publish(noteEvent(text, { version: version + 1 }))
    await eventually(async () => expect(await seen()).toMatchObject([{ text: 'a' }, { text: 'b' }]))
    await waitForCount(queue, 0)
    expect(await inboxSize()).toBe(2)
  })

  it('an event that was handled just before the consumer stops is acknowledged', async () => {
    const handled = Promise.withResolvers<void>()
    const running = await run(noteConsumer({ handle: () => handled.resolve() }))
    await rabbit.publish(noteEvent('last'))
    await handled.promise
    await running.stop(2_000)
    await waitForCount(queue, 0)
    expect(await inboxSize()).toBe(1)
  })

  it('a consumer that stops acknowledges all handled events, also those delivered after an unhandled one', async () => {
    const blocked = Promise.withResolvers<void>()
    const handled: string[] = []
    const running = await run(
      noteConsumer({
        handle: async ({ data }) => {
          if (data.text === 'stuck') await blocked.promise
          handled.push(data.text)
        },
      }),
    )
    await rabbit.publish(noteEvent('before'))
    await rabbit.publish(noteEvent('stuck'))
    await eventually(() => expect(handled).toEqual(['before']))
    for (let n = 0; n < 5; n += 1) await rabbit.publish(noteEvent('after'))
    await eventually(() => expect(handled).toHaveLength(6))
    await running.stop(100)
    await waitForCount(queue, 1)
    blocked.resolve()
  })

  it('events of one subject are handled in order, and events of other subjects in parallel', async () => {
    const order: string[] = []
    const blocked = Promise.withResolvers<void>()
    await run(
      noteConsumer({
        handle: async ({ data }) => {
          order.push(`begin ${data.text}`)
          if (data.text === 'a1') await blocked.promise
          order.push(`end ${data.text}`)
        },
      }),
    )
    const subject = newId()
    await rabbit.publish(noteEvent('a1', { subject }))
    await rabbit.publish(noteEvent('a2', { subject, version: 2 }))
    await rabbit.publish(noteEvent('b1'))
    await eventually(() => expect(order).toContain('end b1'))
    expect(order).not.toContain('begin a2')
    blocked.resolve()
    await eventually(() => expect(order).toHaveLength(6))
    expect(order.indexOf('end a1')).toBeLessThan(order.indexOf('begin a2'))
  })

  it('a handler can ignore an older version that arrives late', async () => {
    await run(noteConsumer())
    const subject = newId()
    await rabbit.publish(noteEvent('new', { subject, version: 2 }))
    await rabbit.publish(noteEvent('old', { subject, version: 1 }))
    await eventually(async () => expect(await inboxSize()).toBe(2))
    expect(await seen()).toEqual([{ id: subject, text: 'new', version: 2 }])
  })

  it('handlers use at most half of the database connections, so that they can open a second one', async () => {
    let active = 0
    let maxActive = 0
    await run(
      noteConsumer({
        prefetch: 100,
        handle: async ({ subject, data }, tx) => {
          active += 1
          maxActive = Math.max(maxActive, active)
          await db.query('select pg_sleep(0.01)')
          await upsertSeen(subject, data.text, data.version, tx)
          active -= 1
        },
      }),
    )
    await Promise.all(Array.from({ length: 100 }, (_, n) => rabbit.publish(noteEvent(`${n}`))))
    await eventually(async () => expect(await seen()).toHaveLength(100))
    expect(maxActive).toBe(database.config.databasePoolMax / 2)
  })

  it('a handler runs with the request id and trace of its event', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    let context: { requestId?: string; traceparent?: string | undefined } = {}
    await run(
      noteConsumer({
        handle: () => {
          context = { ...currentContext() }
        },
      }),
    )
    const sent = noteEvent('traced')
    await rabbit.publish(sent, { traceparent })
    await eventually(() => expect(context).toMatchObject({ requestId: sent.id, traceparent }))
  })
})

describe('A failing handler', () => {
  it('an event whose handler fails is retried after the delays, and failed attempts leave no writes behind', async () => {
    const attempts: number[] = []
    await run(
      noteConsumer({
        handle: async ({ subject, data }, tx) => {
          attempts.push(Date.now())
          await upsertSeen(subject, `${data.text} ${attempts.length}`, data.version, tx)
          if (attempts.length < 3) throw new Error('not yet')
        },
      }),
    )
    await rabbit.publish(noteEvent('try'))
    await eventually(async () => expect(await seen()).toMatchObject([{ text: 'try 3' }]))
    expect(Number(attempts[1]) - Number(attempts[0])).toBeGreaterThanOrEqual(90)
    expect(Number(attempts[2]) - Number(attempts[1])).toBeGreaterThanOrEqual(290)
    for (const name of [queue, `${queue}.retry.100ms`, `${queue}.retry.300ms`, `${queue}.dead`])
      await waitForCount(name, 0)
  })

  it('an event becomes a dead letter after the last retry, without personal data in its headers', async () => {
    let attempts = 0
    await run(
      noteConsumer({
        handle: () => {
          attempts += 1
          throw new TypeError('ana@example.com is not nice')
        },
      }),
    )
    await rabbit.publish(noteEvent('hopeless'))
    await waitForCount(`${queue}.dead`, 1)
    expect(attempts).toBe(4)
    const headers = await deadLetterHeaders()
    expect(headers).toMatchObject({ 'x-attempt': 3, 'x-reason': 'failed', 'x-event-type': 'note.changed.v1' })
    expect(headers['x-error']).toMatch(/^TypeError at consumer\.test\.ts:\d+$/)
    expect(JSON.stringify(headers)).not.toContain('ana@')
    expect(await inboxSize()).toBe(0)
  })

  it('a handler that times out is rolled back and retried', async () => {
    let attempts = 0
    await run(
      noteConsumer({
        timeoutMs: 200,
        handle: async ({ subject, data }, tx) => {
          attempts += 1
          await upsertSeen(subject, `${attempts}`, data.version, tx)
          if (attempts === 1) await new Promise(() => {})
        },
      }),
    )
    await rabbit.publish(noteEvent('slow'))
    await eventually(async () => expect(await seen()).toMatchObject([{ text: '2' }]))
  })

  it('retries during a database outage do not count as attempts', async () => {
    let failures = 0
    const flakyDb = {
      ...db,
      transaction: (fn: (tx: Tx) => Promise<unknown>) => (failures < 6 ? fail() : db.transaction(fn)),
    } as Db
    const fail = () => {
      failures += 1
      return db.query('select pg_terminate_backend(pg_backend_pid())')
    }
    const running = startConsumers([noteConsumer({ delays: [50, 60, 70] })], {
      broker: startBroker(),
      service: 'test',
      log: testLog(),
      db: flakyDb,
    })
    started.unshift({ stop: () => running.stop(2_000) })
    await running.ready(10_000)
    await rabbit.publish(noteEvent('patient'))
    await eventually(async () => expect(await seen()).toMatchObject([{ text: 'patient' }]))
    expect(failures).toBe(6)
  })
})

describe('An unreadable message', () => {
  it.each([
    ['invalid JSON', Buffer.from('{"a":'), 'not JSON'],
    ['an array', Buffer.from('[1]'), 'unexpected event type'],
    ['null', Buffer.from('null'), 'unexpected event type'],
    [
      'a missing field',
      Buffer.from(JSON.stringify({ ...noteEvent('x'), data: { text: 'x' } })),
      'schema: /data/id invalid_type',
    ],
  ])(
    'a message with %s becomes a dead letter at once, and the next message is handled',
    async (_name, content, error) => {
      await run(noteConsumer())
      await rabbit.publishRaw('note.changed.v1', content)
      await rabbit.publish(noteEvent('good'))
      await eventually(async () => expect(await seen()).toMatchObject([{ text: 'good' }]))
      await waitForCount(`${queue}.dead`, 1)
      const headers = await deadLetterHeaders()
      expect(headers).toMatchObject({ 'x-reason': 'unreadable' })
      expect(headers['x-error']).toContain(error)
    },
  )

  it('a message that was delivered more than 20 times without an acknowledgement becomes a dead letter', async () => {
    let calls = 0
    const first = await run(
      noteConsumer({
        handle: () => {
          calls += 1
        },
      }),
    )
    await first.stop()
    expect(await rabbit.publish(noteEvent('crash'))).toBe('confirmed')
    for (let delivery = 0; delivery < 21; delivery += 1) {
      const model = await connect(rabbit.url)
      const channel = await model.createChannel()
      await eventually(async () => expect(await channel.get(queue)).toBeTruthy(), { everyMs: 5 })
      await model.close()
    }
    await run(
      noteConsumer({
        handle: () => {
          calls += 1
        },
      }),
    )
    await waitForCount(`${queue}.dead`, 1)
    expect(calls).toBe(0)
    expect(await deadLetterHeaders()).toMatchObject({ 'x-reason': 'delivered too often' })
  }, 60_000)
})

describe('A consumer under disruption', () => {
  it('a consumer whose connection was closed resumes and handles each event once', async () => {
    let calls = 0
    await run(
      countingConsumer(() => {
        calls += 1
      }),
      startBroker('consumer'),
    )
    await rabbit.publish(noteEvent('0'))
    await eventually(async () => expect(await seen()).toHaveLength(1))
    await eventually(async () => expect(await rabbit.closeConnections('consumer')).toBe(1), { timeoutMs: 20_000 })
    for (let n = 1; n <= 20; n += 1) await rabbit.publish(noteEvent(`${n}`))
    await eventually(async () => expect(await seen()).toHaveLength(21))
    expect(await inboxSize()).toBe(21)
    expect(calls).toBe(21)
  }, 60_000)

  it('a consumer declares its queue again if it is deleted', async () => {
    await run(noteConsumer())
    await rabbit.management('DELETE', `/queues/{vhost}/${queue}`)
    await eventually(async () => expect(await rabbit.publish(noteEvent('back'))).toBe('confirmed'))
    await eventually(async () => expect(await seen()).toMatchObject([{ text: 'back' }]))
  })

  it('a consumer that stops waits for running handlers and leaves other events in the queue', async () => {
    const handlerStarted = Promise.withResolvers<void>()
    const blocked = Promise.withResolvers<void>()
    const running = await run(
      noteConsumer({
        handle: async ({ subject, data }, tx) => {
          handlerStarted.resolve()
          await blocked.promise
          await upsertSeen(subject, data.text, data.version, tx)
        },
      }),
    )
    const subject = newId()
    await rabbit.publish(noteEvent('first', { subject }))
    await rabbit.publish(noteEvent('second', { subject, version: 2 }))
    await handlerStarted.promise
    const stopped = running.stop(5_000)
    blocked.resolve()
    await stopped
    expect(await seen()).toMatchObject([{ text: 'first' }])
    await waitForCount(queue, 1)
  })
})
