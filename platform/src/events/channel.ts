import type { ChannelModel, ConfirmChannel } from 'amqplib'
import type { Log } from '../runtime/log.ts'
import { withTimeout } from '../runtime/timeout.ts'

/** Declares and consumes on a channel that has just been opened. */
export type Setup = (channel: ConfirmChannel) => Promise<void>

/** A channel that is kept open: see {@link Broker.channel}. */
export type KeptChannel = {
  /** The channel, when open and set up. */
  current(): ConfirmChannel | undefined
  /** Waits until it is open and set up; rejects after `timeoutMs`. */
  ready(timeoutMs: number): Promise<ConfirmChannel>
  /** Closes it so that it is opened afresh: unacknowledged messages are delivered again. */
  reset(): void
  /** Closes it for good. */
  close(): Promise<void>
}

const openTimeoutMs = 15_000
const longestPauseMs = 5_000
const closeQuietly = (channel: ConfirmChannel): Promise<void> =>
  withTimeout(5_000, 'channel did not close', channel.close()).catch(() => {})

type Options = {
  name: string
  setup: Setup
  onOpen: () => void
  model: () => ChannelModel | undefined
  log: Log
  onClose: () => void
}

/** Recovery of the connection does not rebuild a channel that the broker closed for an error: this does. */
export const keepChannel = ({ name, setup, onOpen, model, log, onClose }: Options) => {
  let current: ConfirmChannel | undefined
  let closed = false
  let opening = false
  let failures = 0
  let openedAt = 0
  let timer: NodeJS.Timeout | undefined
  const waiting = new Set<(channel: ConfirmChannel) => void>()

  const again = () => {
    if (closed || timer) return
    if (openedAt !== 0 && Date.now() - openedAt > longestPauseMs) failures = 0
    failures += 1
    const delay = Math.min(50 * 2 ** failures, longestPauseMs) * (0.8 + Math.random() * 0.4)
    timer = setTimeout(() => {
      timer = undefined
      void open()
    }, delay)
  }

  const open = async () => {
    const connection = model()
    if (closed || opening || current || !connection) return
    opening = true
    let channel: ConfirmChannel | undefined
    let ended = false
    try {
      channel = await withTimeout(openTimeoutMs, 'channel did not open', connection.createConfirmChannel())
      const opened = channel
      opened.on('error', (error) => log.warn({ err: error, channel: name }, 'channel failed'))
      opened.on('handler-error', (error) => log.error({ err: error, channel: name }, 'channel listener failed'))
      opened.once('close', () => {
        ended = true
        if (current !== opened) return
        current = undefined
        again()
      })
      await withTimeout(openTimeoutMs, 'channel set-up took too long', setup(opened))
      if (closed) return void (await closeQuietly(opened))
      if (ended) throw new Error('channel closed during set-up')
      current = opened
      openedAt = Date.now()
      for (const resolve of waiting) resolve(opened)
      waiting.clear()
      onOpen()
    } catch (error) {
      log.warn({ err: error, channel: name }, 'channel could not be set up, trying again')
      if (channel) await closeQuietly(channel)
      again()
    } finally {
      opening = false
    }
  }

  const kept: KeptChannel = {
    current: () => current,
    ready: async (timeoutMs) => {
      if (current) return current
      const { promise, resolve } = Promise.withResolvers<ConfirmChannel>()
      waiting.add(resolve)
      return withTimeout(timeoutMs, `channel ${name} is not open`, promise).finally(() => waiting.delete(resolve))
    },
    reset: () => {
      if (current) void closeQuietly(current)
    },
    close: async () => {
      closed = true
      clearTimeout(timer)
      onClose()
      const last = current
      current = undefined
      if (last) await closeQuietly(last)
    },
  }
  return { kept, connected: () => void open() }
}
