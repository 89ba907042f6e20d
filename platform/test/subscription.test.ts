import { event } from '@clientele/contracts/event'
import { connectBroker } from '@clientele/platform/events/broker'
import type { Consumer } from '@clientele/platform/events/consumer/consumer'
import { startConsumers } from '@clientele/platform/events/consumer/start-consumers'
import { subscription } from '@clientele/platform/events/consumer/subscription'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { z } from 'zod'
import { aNote, noteChanged } from './notes.ts'

const noteRemoved = event('note.removed.v1', z.object({ id: z.string() }))

let rabbit: TestBroker
const stopping: (() => Promise<unknown>)[] = []

/** As a process of its own would, on a connection of that name. */
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

describe('subscription', () => {
  it('gives every process every event from when it is connected, calls onConnected, and again after a cut', async () => {
    const [one, two]: [string[], string[]] = [[], []]
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
    await run(declare(one), 'first')
    await run(declare(two), 'second')
    await eventually(() => expect(connected).toBe(3))
    const first = aNote('x')
    await rabbit.publish(first)
    await rabbit.publishRaw('note.removed.v1', Buffer.from('junk'))
    await eventually(() => expect([one, two]).toEqual([[first.subject], [first.subject]]))
    await eventually(async () => expect(await rabbit.cut('first')).toBe(1), { timeoutMs: 20_000 })
    await eventually(() => expect(connected).toBe(4))
    const second = aNote('y')
    await rabbit.publish(second)
    await eventually(() => expect([one.at(-1), two.at(-1)]).toEqual([second.subject, second.subject]))
  }, 60_000)
})
