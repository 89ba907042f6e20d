import { randomUUID } from 'node:crypto'
import { connectDb, type Db } from '@clientele/platform/data/db'
import { connectBroker } from '@clientele/platform/events/broker'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import { startConsumers } from '@clientele/platform/events/consumer/start-consumers'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { connect } from 'amqplib'
import { noteChanged, noteEvent } from './notes.ts'

const queue = 'test-service.notes'

let database: TestDatabase
let db: Db
let rabbit: TestBroker
const account = `test-${randomUUID()}`
beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  rabbit = await testBroker()
}, 60_000)
afterAll(async () => {
  await db?.close()
  await rabbit?.management('DELETE', `/users/${account}`)
  await Promise.all([rabbit?.close(), database?.drop()])
})

/** Declares the queues as releases did whose services shared one account, with an event that waits for its second attempt. */
const declareOlderQueues = async (waiting: object): Promise<void> => {
  const model = await connect(rabbit.url)
  const channel = await model.createConfirmChannel()
  const passesTo = (target: string) => ({
    'x-queue-type': 'quorum',
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': target,
    'x-dead-letter-strategy': 'at-least-once',
    'x-overflow': 'reject-publish',
  })
  await channel.assertExchange('clientele.events', 'topic', { durable: true })
  await channel.assertQueue(`${queue}.dead`, { arguments: { 'x-queue-type': 'quorum' } })
  await channel.assertQueue(`${queue}.retry.100ms`, { arguments: passesTo(queue) })
  await channel.assertQueue(queue, { arguments: passesTo(`${queue}.dead`) })
  const options = { expiration: 100, headers: { 'x-attempt': 1 } }
  channel.publish('', `${queue}.retry.100ms`, Buffer.from(JSON.stringify(waiting)), options)
  await channel.waitForConfirms()
  await model.close()
}

const startAccount = async (): Promise<string> => {
  const own = '^(test-service\\.|clientele\\.events$)'
  await rabbit.management('PUT', `/users/${account}`, { password: 'own', tags: '' })
  await rabbit.management('PUT', `/permissions/{vhost}/${account}`, {
    ...{ configure: '^test-service\\.', write: own, read: own },
  })
  return Object.assign(new URL(rabbit.url), { username: account, password: 'own' }).href
}

describe('Queues of older releases', () => {
  it('a service with an account of its own handles, retries and dead-letters events in them', async () => {
    const [waiting, failing, hopeless] = [noteEvent('waiting'), noteEvent('failing'), noteEvent('hopeless')]
    await declareOlderQueues(waiting)
    const handled: string[] = []
    const attempts: string[] = []
    const declared = consumer({
      queue,
      events: [noteChanged],
      delays: [100],
      handle: ({ id }) => {
        attempts.push(id)
        if (id === hopeless.id || (id === failing.id && attempts.filter((each) => each === id).length === 1))
          throw new Error('not yet')
        handled.push(id)
      },
    })
    const broker = connectBroker({ url: await startAccount(), name: 'test-service', log: testLog() })
    const running = startConsumers([declared], { broker, service: 'test-service', log: testLog(), db })
    try {
      await running.ready(10_000)
      for (const event of [failing, hopeless]) expect(await rabbit.publish(event)).toBe('confirmed')
      await eventually(() => expect([...handled].sort()).toEqual([waiting.id, failing.id].sort()))
      await eventually(async () => expect(await rabbit.messageCount(`${queue}.dead`)).toBe(1))
    } finally {
      await running.stop(2_000)
      await broker.close()
    }
  })
})
