import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib'
import type { Log } from '../runtime/log.ts'
import { withTimeout } from '../runtime/timeout.ts'

/** Declares queues and starts consuming on a channel that has just been opened. `declare` declares what does not exist. */
export type ChannelSetup = (channel: ConfirmChannel, declare: Declare) => Promise<void>

/**
 * Calls `create` unless `check` finds that something exists, with its arguments of that time. An account needs no right to create
 * what exists.
 */
export type Declare = (
  check: (channel: Channel) => Promise<unknown>,
  create: (channel: Channel) => Promise<unknown>,
) => Promise<void>

// RabbitMQ closes the channel of a failed check, so each check has a channel of its own.
const declareOn =
  (connection: ChannelModel, channel: Channel): Declare =>
  async (check, create) => {
    const probe = await connection.createChannel()
    probe.on('error', () => {})
    const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 404
    const exists = await check(probe).then(
      () => true,
      (error: unknown) => {
        if (isMissing(error)) return false
        throw error
      },
    )
    if (exists) await probe.close()
    else await create(channel)
  }

/** A channel that is reopened when it closes: see {@link Broker.channel}. */
export type RecoveringChannel = {
  /** The channel, or undefined while it is not open and set up. */
  current(): ConfirmChannel | undefined
  /** Resolves when the channel is open and set up; rejects after `timeoutMs`. */
  ready(timeoutMs: number): Promise<ConfirmChannel>
  /** Closes the channel so that it is reopened: unacknowledged messages are delivered again. */
  reset(): void
  /** Closes the channel for good. */
  close(): Promise<void>
}

const openTimeoutMs = 15_000
const maxDelayMs = 5_000
const closeQuietly = (channel: ConfirmChannel): Promise<void> =>
  withTimeout(5_000, 'channel did not close', channel.close()).catch(() => {})

type Options = {
  name: string
  setup: ChannelSetup
  onOpen: () => void
  model: () => ChannelModel | undefined
  log: Log
  onClose: () => void
}

/**
 * Opens a channel and reopens it with growing delays, from 100 ms to 5 s. The recovery of the connection would not reopen a channel
 * that the broker closed because of an error.
 */
export const openRecoveringChannel = ({ name, setup, onOpen, model, log, onClose }: Options) => {
  let current: ConfirmChannel | undefined
  let closed = false
  let opening = false
  let failures = 0
  let openedAt = 0
  let timer: NodeJS.Timeout | undefined
  const readyWaiters = new Set<(channel: ConfirmChannel) => void>()

  const scheduleOpen = () => {
    if (closed || timer) return
    // A channel that was open for a while is reopened soon. Delays grow again if that fails.
    if (openedAt !== 0 && Date.now() - openedAt > maxDelayMs) failures = 0
    openedAt = 0
    failures += 1
    const delay = Math.min(50 * 2 ** failures, maxDelayMs) * (0.8 + Math.random() * 0.4)
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
    let hasClosed = false
    try {
      channel = await withTimeout(openTimeoutMs, 'channel did not open', connection.createConfirmChannel())
      const opened = channel
      opened.on('error', (error) => log.warn({ err: error, channel: name }, 'channel failed'))
      opened.on('handler-error', (error) => log.error({ err: error, channel: name }, 'channel listener failed'))
      opened.once('close', () => {
        hasClosed = true
        if (current !== opened) return
        current = undefined
        scheduleOpen()
      })
      await withTimeout(openTimeoutMs, 'channel setup took too long', setup(opened, declareOn(connection, opened)))
      if (closed) return void (await closeQuietly(opened))
      if (hasClosed) throw new Error('channel closed during setup')
      current = opened
      openedAt = Date.now()
      for (const resolve of readyWaiters) resolve(opened)
      readyWaiters.clear()
      onOpen()
    } catch (error) {
      log.warn({ err: error, channel: name }, 'channel setup failed, retrying')
      if (channel) await closeQuietly(channel)
      scheduleOpen()
    } finally {
      opening = false
    }
  }

  const channel: RecoveringChannel = {
    current: () => current,
    ready: async (timeoutMs) => {
      if (current) return current
      const { promise, resolve } = Promise.withResolvers<ConfirmChannel>()
      readyWaiters.add(resolve)
      return withTimeout(timeoutMs, `channel ${name} is not open`, promise).finally(() => readyWaiters.delete(resolve))
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
  return { channel, onConnected: () => void open() }
}
