import { connectDb, type Db, newId, type Tx } from '@clientele/platform/data/db'
import { type Broker, connectBroker } from '@clientele/platform/events/broker'
import { type Consumer, consumer } from '@clientele/platform/events/consumer/consumer'
import type { Running } from '@clientele/platform/events/consumer/running'
import { startConsumers } from '@clientele/platform/events/consumer/start-consumers'
import { currentContext } from '@clientele/platform/runtime/context'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { connect } from 'amqplib'
import { aNote, noteChanged } from './notes.ts'

const queue = 'test-service.notes'
const delays = [100, 300, 500]

let database: TestDatabase
let db: Db
let rabbit: TestBroker
let started: { stop(): Promise<void> }[] = []

const aBroker = (name = 'test-service'): Broker => {
  const broker = connectBroker({ url: rabbit.url, name, log: testLog() })
  started.push({ stop: () => broker.close() })
  return broker
}
const run = async (declared: Consumer, broker = aBroker()): Promise<Running> => {
  const running = startConsumers([declared], { broker, service: 'test-service', log: testLog(), db })
  started.unshift({ stop: () => running.stop(2_000) })
  await running.ready(10_000)
  return running
}
const store = (id: string, text: string, version: number, tx: Tx) =>
  db.query(
    `insert into seen (id, text, version) values ($1, $2, $3)
     on conflict (id) do update set text = excluded.text, version = excluded.version where seen.version < excluded.version`,
    [id, text, version],
    { tx },
  )
const seen = () =>
  db.query<{ id: string; text: string; version: number }>('select id, text, version from seen order by version')
const inboxSize = async () => (await db.query<{ n: number }>('select count(*)::int as n from inbox'))[0]?.n
const ready = (name: string, count: number) => eventually(async () => expect(await rabbit.count(name)).toBe(count))
const deadHeaders = async (): Promise<Record<string, unknown>> => {
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
  await db.query('create table seen (id text primary key, text text not null, version integer not null)')
  rabbit = await testBroker()
})

afterEach(async () => {
  for (const each of started) await each.stop()
  started = []
  await rabbit.close()
  await db.close()
  await database.drop()
})

const keeper = (overrides: Partial<Parameters<typeof consumer<typeof noteChanged>>[0]> = {}) =>
  consumer({
    queue,
    events: [noteChanged],
    delays,
    handle: ({ subject, data }, tx) => store(subject, data.text, data.version, tx),
    ...overrides,
  })

const counting = (count: () => void) =>
  keeper({
    handle: ({ subject, data }, tx) => {
      count()
      return store(subject, data.text, data.version, tx)
    },
  })

describe('consumer', () => {
  it('handles an event once although it is delivered twice', async () => {
    let calls = 0
    await run(
      counting(() => {
        calls += 1
      }),
    )
    const twice = aNote('once')
    expect(await rabbit.publish(twice)).toBe('confirmed')
    await rabbit.publish(twice)
    const after = aNote('after', { subject: twice.subject, version: 2 })
    await rabbit.publish(after)
    await eventually(async () => expect(await seen()).toMatchObject([{ text: 'after' }]))
    expect(calls).toBe(2)
    expect(await inboxSize()).toBe(2)
    await ready(queue, 0)
  })

  it('takes what does not concern it off the queue, without a note', async () => {
    const concerns = ({ data }: { data: { text: string } }) => data.text !== 'nothing'
    await run(keeper({ concerns }))
    const texts = ['nothing', 'a', 'nothing', 'nothing', 'b']
    for (const [version, text] of texts.entries()) await rabbit.publish(aNote(text, { version: version + 1 }))
    await eventually(async () => expect(await seen()).toMatchObject([{ text: 'a' }, { text: 'b' }]))
    await ready(queue, 0)
    expect(await inboxSize()).toBe(2)
  })

  it('acknowledges before it stops what it handled a moment ago', async () => {
    const handled = Promise.withResolvers<void>()
    const running = await run(keeper({ handle: () => handled.resolve() }))
    await rabbit.publish(aNote('last'))
    await handled.promise
    await running.stop(2_000)
    await ready(queue, 0)
    expect(await inboxSize()).toBe(1)
  })

  it('has acknowledged all that it handled when it stops, also around one that it did not', async () => {
    const gate = Promise.withResolvers<void>()
    const handled: string[] = []
    const running = await run(
      keeper({
        handle: async ({ data }) => {
          if (data.text === 'stuck') await gate.promise
          handled.push(data.text)
        },
      }),
    )
    await rabbit.publish(aNote('before'))
    await rabbit.publish(aNote('stuck'))
    await eventually(() => expect(handled).toEqual(['before']))
    for (let n = 0; n < 5; n += 1) await rabbit.publish(aNote('after'))
    await eventually(() => expect(handled).toHaveLength(6))
    await running.stop(100)
    await ready(queue, 1)
    gate.resolve()
  })

  it('handles events of one subject one after the other, and of others side by side', async () => {
    const order: string[] = []
    const gate = Promise.withResolvers<void>()
    await run(
      keeper({
        handle: async ({ data }) => {
          order.push(`begin ${data.text}`)
          if (data.text === 'a1') await gate.promise
          order.push(`end ${data.text}`)
        },
      }),
    )
    const subject = newId()
    await rabbit.publish(aNote('a1', { subject }))
    await rabbit.publish(aNote('a2', { subject, version: 2 }))
    await rabbit.publish(aNote('b1'))
    await eventually(() => expect(order).toContain('end b1'))
    expect(order).not.toContain('begin a2')
    gate.resolve()
    await eventually(() => expect(order).toHaveLength(6))
    expect(order.indexOf('end a1')).toBeLessThan(order.indexOf('begin a2'))
  })

  it('lets a handler ignore an older version that comes late', async () => {
    await run(keeper())
    const subject = newId()
    await rabbit.publish(aNote('new', { subject, version: 2 }))
    await rabbit.publish(aNote('old', { subject, version: 1 }))
    await eventually(async () => expect(await inboxSize()).toBe(2))
    expect(await seen()).toEqual([{ id: subject, text: 'new', version: 2 }])
  })

  it('leaves half of the database connections to others, so that handlers may use a second one', async () => {
    let atOnce = 0
    let mostAtOnce = 0
    await run(
      keeper({
        prefetch: 100,
        handle: async ({ subject, data }, tx) => {
          atOnce += 1
          mostAtOnce = Math.max(mostAtOnce, atOnce)
          await db.query('select pg_sleep(0.01)')
          await store(subject, data.text, data.version, tx)
          atOnce -= 1
        },
      }),
    )
    await Promise.all(Array.from({ length: 100 }, (_, n) => rabbit.publish(aNote(`${n}`))))
    await eventually(async () => expect(await seen()).toHaveLength(100))
    expect(mostAtOnce).toBe(database.config.databasePoolMax / 2)
  })

  it('gives the handler the context of the event, and its trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    let context: { requestId?: string; traceparent?: string | undefined } = {}
    await run(
      keeper({
        handle: () => {
          context = { ...currentContext() }
        },
      }),
    )
    const sent = aNote('traced')
    await rabbit.publish(sent, { traceparent })
    await eventually(() => expect(context).toMatchObject({ requestId: sent.id, traceparent }))
  })
})

describe('failing handlers', () => {
  it('are tried again later, with nothing left of the failed attempts', async () => {
    const attempts: number[] = []
    await run(
      keeper({
        handle: async ({ subject, data }, tx) => {
          attempts.push(Date.now())
          await store(subject, `${data.text} ${attempts.length}`, data.version, tx)
          if (attempts.length < 3) throw new Error('not yet')
        },
      }),
    )
    await rabbit.publish(aNote('try'))
    await eventually(async () => expect(await seen()).toMatchObject([{ text: 'try 3' }]))
    expect(Number(attempts[1]) - Number(attempts[0])).toBeGreaterThanOrEqual(90)
    expect(Number(attempts[2]) - Number(attempts[1])).toBeGreaterThanOrEqual(290)
    for (const name of [queue, `${queue}.retry.100ms`, `${queue}.retry.300ms`, `${queue}.dead`]) await ready(name, 0)
  })

  it('end in the dead-letter queue after the last pause, without personal data in its headers', async () => {
    let attempts = 0
    await run(
      keeper({
        handle: () => {
          attempts += 1
          throw new TypeError('ana@example.com is not nice')
        },
      }),
    )
    await rabbit.publish(aNote('hopeless'))
    await ready(`${queue}.dead`, 1)
    expect(attempts).toBe(4)
    const headers = await deadHeaders()
    expect(headers).toMatchObject({ 'x-attempt': 3, 'x-reason': 'failed', 'x-event-type': 'note.changed.v1' })
    expect(headers['x-error']).toMatch(/^TypeError at consumer\.test\.ts:\d+$/)
    expect(JSON.stringify(headers)).not.toContain('ana@')
    expect(await inboxSize()).toBe(0)
  })

  it('that do not end are cut off, rolled back and tried again', async () => {
    let attempts = 0
    await run(
      keeper({
        timeoutMs: 200,
        handle: async ({ subject, data }, tx) => {
          attempts += 1
          await store(subject, `${attempts}`, data.version, tx)
          if (attempts === 1) await new Promise(() => {})
        },
      }),
    )
    await rabbit.publish(aNote('slow'))
    await eventually(async () => expect(await seen()).toMatchObject([{ text: '2' }]))
  })

  it('use up no attempt while the database is away', async () => {
    let failures = 0
    const away = {
      ...db,
      transaction: (fn: (tx: Tx) => Promise<unknown>) => (failures < 6 ? fail() : db.transaction(fn)),
    } as Db
    const fail = () => {
      failures += 1
      return db.query('select pg_terminate_backend(pg_backend_pid())')
    }
    const running = startConsumers([keeper({ delays: [50, 60, 70] })], {
      broker: aBroker(),
      service: 'test',
      log: testLog(),
      db: away,
    })
    started.unshift({ stop: () => running.stop(2_000) })
    await running.ready(10_000)
    await rabbit.publish(aNote('patient'))
    await eventually(async () => expect(await seen()).toMatchObject([{ text: 'patient' }]))
    expect(failures).toBe(6)
  })
})

describe('messages that cannot be read', () => {
  it.each([
    ['no JSON', Buffer.from('{"a":'), 'not JSON'],
    ['another shape', Buffer.from('[1]'), 'not an event of a type that this queue is for'],
    ['null', Buffer.from('null'), 'not an event of a type that this queue is for'],
    [
      'a missing field',
      Buffer.from(JSON.stringify({ ...aNote('x'), data: { text: 'x' } })),
      'schema: /data/id invalid_type',
    ],
  ])('%s goes to the dead-letter queue at once, and the next one is handled', async (_what, content, fault) => {
    await run(keeper())
    await rabbit.publishRaw('note.changed.v1', content)
    await rabbit.publish(aNote('good'))
    await eventually(async () => expect(await seen()).toMatchObject([{ text: 'good' }]))
    await ready(`${queue}.dead`, 1)
    const headers = await deadHeaders()
    expect(headers).toMatchObject({ 'x-reason': 'unreadable' })
    expect(headers['x-error']).toContain(fault)
  })

  it('a message that was delivered more than 20 times without an end goes to the dead-letter queue', async () => {
    let calls = 0
    const first = await run(
      keeper({
        handle: () => {
          calls += 1
        },
      }),
    )
    await first.stop()
    expect(await rabbit.publish(aNote('crash'))).toBe('confirmed')
    for (let delivery = 0; delivery < 21; delivery += 1) {
      const model = await connect(rabbit.url)
      const channel = await model.createChannel()
      await eventually(async () => expect(await channel.get(queue)).toBeTruthy(), { everyMs: 5 })
      await model.close()
    }
    await run(
      keeper({
        handle: () => {
          calls += 1
        },
      }),
    )
    await ready(`${queue}.dead`, 1)
    expect(calls).toBe(0)
    expect(await deadHeaders()).toMatchObject({ 'x-reason': 'delivered too often' })
  }, 60_000)
})

describe('a consumer through disturbances', () => {
  it('goes on after its connection was cut, and handles each event once', async () => {
    let calls = 0
    await run(
      counting(() => {
        calls += 1
      }),
      aBroker('victim'),
    )
    await rabbit.publish(aNote('0'))
    await eventually(async () => expect(await seen()).toHaveLength(1))
    await eventually(async () => expect(await rabbit.cut('victim')).toBe(1), { timeoutMs: 20_000 })
    for (let n = 1; n <= 20; n += 1) await rabbit.publish(aNote(`${n}`))
    await eventually(async () => expect(await seen()).toHaveLength(21))
    expect(await inboxSize()).toBe(21)
    expect(calls).toBe(21)
  }, 60_000)

  it('declares its queue again when it is deleted', async () => {
    await run(keeper())
    await rabbit.management('DELETE', `/queues/{vhost}/${queue}`)
    await eventually(async () => expect(await rabbit.publish(aNote('back'))).toBe('confirmed'))
    await eventually(async () => expect(await seen()).toMatchObject([{ text: 'back' }]))
  })

  it('on stop lets running handlers end and leaves the others in the queue', async () => {
    const begun = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    const running = await run(
      keeper({
        handle: async ({ subject, data }, tx) => {
          begun.resolve()
          await gate.promise
          await store(subject, data.text, data.version, tx)
        },
      }),
    )
    const subject = newId()
    await rabbit.publish(aNote('first', { subject }))
    await rabbit.publish(aNote('second', { subject, version: 2 }))
    await begun.promise
    const stopped = running.stop(5_000)
    gate.resolve()
    await stopped
    expect(await seen()).toMatchObject([{ text: 'first' }])
    await ready(queue, 1)
  })
})
