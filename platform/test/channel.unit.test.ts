import { EventEmitter } from 'node:events'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { openRecoveringChannel } from '../src/events/channel.ts'

describe('Recovering channel', () => {
  const { now } = Date
  afterEach(() => {
    Date.now = now
  })

  it('the delays grow if a channel that was open for a minute cannot be reopened', async () => {
    const opened: EventEmitter[] = []
    const createConfirmChannel = async () => {
      const channel = Object.assign(new EventEmitter(), { close: async () => {} })
      opened.push(channel)
      return channel
    }
    const failedAt: number[] = []
    const { channel, onConnected } = openRecoveringChannel({
      name: 'test',
      setup: async () => {
        if (opened.length === 1) return
        failedAt.push(performance.now())
        throw new Error('the queue has other arguments')
      },
      onOpen: () => {},
      model: () => ({ createConfirmChannel }) as never,
      log: testLog(),
      onClose: () => {},
    })
    onConnected()
    await channel.ready(1_000)
    Date.now = () => now() + 60_000
    opened[0]?.emit('close')
    await eventually(() => expect(failedAt).toHaveLength(4))
    await channel.close()
    const delays = failedAt.slice(1).map((at, index) => at - (failedAt[index] ?? 0))
    expect(delays.at(-1)).toBeGreaterThan(500)
  })
})
