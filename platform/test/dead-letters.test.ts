import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { event } from '@clientele/contracts/event'
import { connectDb, type Db, newId } from '@clientele/platform/data/db'
import { connectBroker } from '@clientele/platform/events/broker'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import { startConsumers } from '@clientele/platform/events/consumer/start-consumers'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { type TestDatabase, testDatabase, testEnv } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { z } from 'zod'

const noteChanged = event('note.changed.v1', z.object({ id: z.string() }))
const queue = 'test-service.dead-letters'
const command = fileURLToPath(new URL('../src/dead-letters.ts', import.meta.url))

let database: TestDatabase
let db: Db
let rabbit: TestBroker
let stop: () => Promise<void>
let failing = true
let handled: string[] = []

const deadLetters = (args: string[], env: Record<string, string> = {}): Promise<{ code: number; out: string }> =>
  new Promise((resolve) => {
    const options = { env: { PATH: String(process.env['PATH']), RABBITMQ_URL: rabbit.url, ...env }, timeout: 20_000 }
    execFile(process.execPath, [command, ...args], options, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out: stdout + stderr }),
    )
  })
const publish = async (): Promise<string> => {
  const subject = newId()
  const id = randomUUID()
  const data = { id: subject, version: 1, actor: { id: 'ana', displayName: 'Ana' } }
  const time = new Date().toISOString()
  const envelope = {
    specversion: '1.0',
    id,
    source: '/n',
    type: 'note.changed.v1',
    subject,
    time,
    datacontenttype: 'application/json',
    data,
  }
  await rabbit.publish(envelope)
  return id
}
const waitForDeadLetters = (count: number) =>
  eventually(async () => expect(await rabbit.messageCount(`${queue}.dead`)).toBe(count))

beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  rabbit = await testBroker()
  const broker = connectBroker({ url: rabbit.url, name: 'test', log: testLog() })
  const declared = consumer({
    queue,
    events: [noteChanged],
    delays: [10, 20],
    handle: ({ id }) => {
      if (failing) throw new RangeError('broken')
      handled.push(id)
    },
  })
  const running = startConsumers([declared], { broker, service: 'test', log: testLog(), db })
  await running.ready(10_000)
  stop = async () => {
    await running.stop()
    await broker.close()
  }
})

beforeEach(() => {
  failing = true
  handled = []
})

afterAll(async () => {
  await stop()
  await rabbit.close()
  await db.close()
  await database.drop()
})

describe('The dead-letters command', () => {
  it('list shows queue, type, id, attempts and error any number of times, and replay returns the event to its handler', async () => {
    const id = await publish()
    await waitForDeadLetters(1)
    for (let look = 0; look < 24; look += 1) {
      const { code, out } = await deadLetters(['list', '--queue', queue])
      expect(code).toBe(0)
      expect(out).toMatch(
        new RegExp(`${queue} +note\\.changed\\.v1 +${id} +0m +3 +failed: RangeError at dead-letters\\.test\\.ts`),
      )
    }
    await waitForDeadLetters(1)
    failing = false
    expect((await deadLetters(['replay', '--queue', queue])).out).toBe('1 event replayed\n')
    await eventually(() => expect(handled).toEqual([id]))
    expect((await deadLetters(['list', '--queue', `${queue}.dead`])).out).toBe('no dead letters\n')
  }, 60_000)

  it('a replayed event has all its attempts again', async () => {
    const id = await publish()
    await waitForDeadLetters(1)
    await deadLetters(['replay', '--queue', queue])
    await eventually(async () => expect((await deadLetters(['list', '--queue', queue])).out).toContain(`${id}  0m   3`))
    await deadLetters(['drop', '--queue', queue, '--yes'])
    await waitForDeadLetters(0)
  })

  it('the command selects an event by id, finds queues through the management API, and drops only with --yes', async () => {
    const [first, second] = [await publish(), await publish()]
    await waitForDeadLetters(2)
    const env = { RABBITMQ_MANAGEMENT_URL: testEnv('TEST_RABBITMQ_MANAGEMENT_URL') }
    const unconfirmed = await deadLetters(['drop', '--id', second], env)
    expect([unconfirmed.code, unconfirmed.out]).toEqual([2, expect.stringContaining('--yes')])
    await waitForDeadLetters(2)
    expect(await deadLetters(['drop', '--id', second, '--yes'], env)).toEqual({ code: 0, out: '1 event dropped\n' })
    await waitForDeadLetters(1)
    failing = false
    expect((await deadLetters(['replay', '--id', second], env)).out).toBe('0 events replayed\n')
    expect((await deadLetters(['replay', '--id', first, '--limit', '1'], env)).out).toBe('1 event replayed\n')
    await eventually(() => expect(handled).toEqual([first]))
  })

  it('the command prints its help and says which argument is missing', async () => {
    expect(await deadLetters(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('--limit N') })
    expect(await deadLetters([])).toMatchObject({ code: 2, out: expect.stringContaining('list, replay or drop') })
    expect(await deadLetters(['list'])).toMatchObject({ code: 2, out: expect.stringContaining('--queue') })
    expect(await deadLetters(['list', '--limit', '0'])).toMatchObject({ code: 2 })
    expect(await deadLetters(['list', '--queue', 'no'])).toMatchObject({ code: 1, out: 'queue no.dead not found\n' })
    expect(await deadLetters(['list'], { RABBITMQ_URL: '' })).toMatchObject({
      code: 2,
      out: 'configuration: RABBITMQ_URL is missing\n',
    })
  })
})
