import { event } from '@clientele/contracts/event'
import { connectBroker } from '@clientele/platform/events/broker'
import type { Consumer } from '@clientele/platform/events/consumer/consumer'
import { startConsumers } from '@clientele/platform/events/consumer/start-consumers'
import { subscription } from '@clientele/platform/events/consumer/subscription'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { z } from 'zod'
import { noteChanged, noteEvent } from './notes.ts'

const noteRemoved = event('note.removed.v1', z.object({ id: z.string() }))

let rabbit: TestBroker
const stopping: (() => Promise<unknown>)[] = []

/** Runs a subscription as another process would, on its own connection named `name`. */
const run = async (declared: Consumer, name: string): Promise<void> => {
  const broker = connectBroker({ url: rabbit.url, name, log: testLog() })
  const running = startConsumers([declared], { broker, service: 'test-service', log: testLog() })
  stopping.push(() => running.stop(2_000).then(() => broker.close()))
  await running.ready(10_000)
}

beforeEach(async () => {
  rabbit = await testBroker()
})

afterEach(async () => {
  for (const stop of stopping.splice(0)) await stop()
  await rabbit.close()
})

describe('A subscription', () => {
  it('every process gets every event while connected, and calls onConnected on each connect', async () => {
    const [firstSubjects, secondSubjects]: [string[], string[]] = [[], []]
    let connected = 0
    const declare = (into: string[]) =>
      subscription({
        name: 'gateway.test',
        events: [noteChanged, noteRemoved],
        handle: ({ subject }) => void into.push(subject),
        onConnected: () => {
          connected += 1
          if (connected === 1) throw new Error('not yet')
        },
      })
    await run(declare(firstSubjects), 'first')
    await run(declare(secondSubjects), 'second')
    await eventually(() => expect(connected).toBe(3))
    const first = noteEvent('x')
    await rabbit.publish(first)
    await rabbit.publishRaw('note.removed.v1', Buffer.from('junk'))
    await eventually(() => expect([firstSubjects, secondSubjects]).toEqual([[first.subject], [first.subject]]))
    await eventually(async () => expect(await rabbit.closeConnections('first')).toBe(1), { timeoutMs: 20_000 })
    await eventually(() => expect(connected).toBe(4))
    const second = noteEvent('y')
    await rabbit.publish(second)
    await eventually(() =>
      expect([firstSubjects.at(-1), secondSubjects.at(-1)]).toEqual([second.subject, second.subject]),
    )
  }, 60_000)
})
