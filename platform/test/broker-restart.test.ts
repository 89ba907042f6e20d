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
import { type RestartableBroker, startRestartableBroker } from '@clientele/stack/testing/test-broker'
import { z } from 'zod'

const noteCreated = event('note.created.v1', z.object({ id: z.string() }))

/** If RabbitMQ is not installed on this machine, all connections to the shared one are closed instead. */
const disconnectableBroker = async (): Promise<RestartableBroker> => {
  const rabbit = await testBroker()
  const disconnect = (name: string) =>
    eventually(async () => expect(await rabbit.closeConnections(name)).toBe(1), { timeoutMs: 20_000 })
  return {
    url: rabbit.url,
    stop: async () => {
      await disconnect('service')
      await disconnect('service publisher')
    },
    start: async () => {},
    remove: rabbit.close,
  }
}

it('a broker restart loses no event, and no event is handled twice, even those written meanwhile', async () => {
  const node = await (rabbitmqServer() ? startRestartableBroker() : disconnectableBroker())
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
  const added: string[] = []
  const addEvent = async () => {
    const id = newId()
    const created = noteCreated.of({ id, version: 1 } as never, { id: 'ana', displayName: 'Ana' })
    await db.transaction((tx) => outbox.add(tx, created))
    added.push(id)
  }
  try {
    await running.ready(20_000)
    relay.start()
    await addEvent()
    await eventually(() => expect(handled).toEqual(added))

    for (let n = 0; n < 50; n += 1) void addEvent()
    await node.stop()
    for (let n = 0; n < 50; n += 1) await addEvent()
    await node.start()
    await addEvent()
    await eventually(() => expect(handled.length).toBeGreaterThanOrEqual(102), { timeoutMs: 30_000 })
    expect([...handled].sort()).toEqual([...added].sort())
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
