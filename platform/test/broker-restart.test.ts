import { event } from '@clientele/contracts/event'
import { connectDb, newId } from '@clientele/platform/data/db'
import { connectBroker } from '@clientele/platform/events/broker'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import { startConsumers } from '@clientele/platform/events/consumer/start-consumers'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { createRelay } from '@clientele/platform/events/outbox/relay'
import { testBroker } from '@clientele/platform/testing/broker'
import { testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { rabbitmqServer } from '@clientele/stack/backing/rabbitmq'
import { type OwnBroker, startOwnBroker } from '@clientele/stack/testing/own-broker'
import { z } from 'zod'

const noteCreated = event('note.created.v1', z.object({ id: z.string() }))

/** Where RabbitMQ is not installed here, every connection to the shared one is cut instead. */
const cutBroker = async (): Promise<OwnBroker> => {
  const rabbit = await testBroker()
  const cut = (name: string) => eventually(async () => expect(await rabbit.cut(name)).toBe(1), { timeoutMs: 20_000 })
  return {
    url: rabbit.url,
    stop: async () => {
      await cut('service')
      await cut('service publisher')
    },
    start: async () => {},
    remove: rabbit.close,
  }
}

it('a broker that restarts loses no event, nor is one handled twice; changes are made meanwhile', async () => {
  const node = await (rabbitmqServer() ? startOwnBroker() : cutBroker())
  const database = await testDatabase({
    schema: 'platform_test',
    migrations: new URL('./migrations/', import.meta.url),
  })
  const db = await connectDb(database.config, 'platform_test')
  const broker = connectBroker({ url: node.url, name: 'service', log: testLog() })
  const relay = createRelay({ db, broker, source: 'notes', log: testLog() })
  const handled: string[] = []
  const notes = consumer({
    queue: 'test.notes',
    events: [noteCreated],
    handle: ({ subject }) => {
      handled.push(subject)
    },
  })
  const running = startConsumers([notes], { broker, service: 'test', log: testLog(), db })
  const sent: string[] = []
  const change = async () => {
    const id = newId()
    const created = noteCreated.of({ id, version: 1 } as never, { id: 'ana', displayName: 'Ana' })
    await db.transaction((tx) => outbox.add(tx, created))
    sent.push(id)
  }
  try {
    await running.ready(20_000)
    relay.start()
    await change()
    await eventually(() => expect(handled).toEqual(sent))

    for (let n = 0; n < 50; n += 1) void change()
    await node.stop()
    for (let n = 0; n < 50; n += 1) await change()
    await node.start()
    await change()
    await eventually(() => expect(handled.length).toBeGreaterThanOrEqual(102), { timeoutMs: 30_000 })
    expect([...handled].sort()).toEqual([...sent].sort())
    await eventually(async () => expect(await db.query('select 1 from outbox')).toEqual([]))
  } finally {
    await running.stop()
    await relay.stop()
    await broker.close()
    await db.close()
    await database.drop()
    await node.remove()
  }
}, 180_000)
