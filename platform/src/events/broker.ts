import { type ChannelModel, type ConfirmChannel, connect, type RecoveringChannelModel } from 'amqplib'
import type { Log } from '../runtime/log.ts'
import { gauge } from '../runtime/telemetry.ts'
import { withTimeout } from '../runtime/timeout.ts'
import { type KeptChannel, keepChannel, type Setup } from './channel.ts'

/** The one topic exchange: routing key = event type. */
export const exchange = 'clientele.events'

/**
 * A process's way to RabbitMQ: recovering connections that come back by themselves for ever; nothing here waits for them
 * unasked. What publishes at length has a connection of its own, because a broker in need stops reading from publishers,
 * and acknowledgements must still get through.
 */
export type Broker = {
  /**
   * A confirm channel that is opened again whenever it or the connection closes; `setup` declares and consumes anew each time.
   * @param name for the log
   */
  channel(name: string, setup: Setup, options?: ChannelUse): KeptChannel
  /** Connected, and the broker takes messages (it has not raised a memory or disk alarm). */
  healthy(): boolean
  /** Resolves when connected; rejects after `timeoutMs`. */
  connected(timeoutMs: number): Promise<void>
  /** Ends the connection, by force after `deadlineMs`. */
  close(deadlineMs?: number): Promise<void>
}

/** `onOpen` is called each time after the channel was set up. */
export type ChannelUse = { publishes?: boolean; onOpen?: () => void }

/** Starts connecting in the background. `name` is what RabbitMQ's management page shows. */
export const connectBroker = ({ url, name, log }: { url: string; name: string; log: Log }): Broker => {
  const main = openLine({ url, name, log })
  let publisher: Line | undefined
  const lines = (): Line[] => (publisher ? [main, publisher] : [main])
  gauge('broker_up', '1 while the broker is connected and takes messages', [], function () {
    this.set(lines().every((line) => line.healthy()) ? 1 : 0)
  })
  return {
    channel: (channelName, setup, { publishes = false, onOpen = () => {} } = {}) => {
      if (!publishes) return main.channel(channelName, setup, onOpen)
      publisher ??= openLine({ url, name: `${name} publisher`, log })
      return publisher.channel(channelName, setup, onOpen)
    },
    healthy: () => lines().every((line) => line.healthy()),
    connected: async (timeoutMs) => void (await Promise.all(lines().map((line) => line.connected(timeoutMs)))),
    close: async (deadlineMs = 5_000) => void (await Promise.all(lines().map((line) => line.close(deadlineMs)))),
  }
}

type Line = ReturnType<typeof openLine>

const openLine = ({ url, name, log: parent }: { url: string; name: string; log: Log }) => {
  const log = parent.child({ connection: name })
  let model: ChannelModel | undefined
  let blocked = false
  let closed = false
  const channels = new Set<{ connected(): void }>()
  const waiting = new Set<() => void>()

  const connection = connect(withHeartbeat(url), {
    noDelay: true,
    keepAlive: true,
    timeout: 10_000,
    clientProperties: { connection_name: name },
    recovery: { waitForConnect: false, initialDelay: 200, maxDelay: 5_000 },
  }).then((recovering) => follow(recovering))

  const follow = (recovering: RecoveringChannelModel): RecoveringChannelModel => {
    recovering.on('connect', (connected) => {
      model = connected
      blocked = false
      log.info('broker connected')
      for (const channel of channels) channel.connected()
      for (const resolve of waiting) resolve()
    })
    recovering.on('disconnect', (error) => {
      model = undefined
      log.warn({ err: error }, 'broker connection lost')
    })
    recovering.on('reconnect-scheduled', ({ attempt, delay, error }) => {
      log[attempt === 2 ? 'warn' : 'debug'](
        { attempt, delay, reason: error.message },
        'broker not reachable, trying again',
      )
    })
    recovering.on('error', (error) => log.warn({ err: error }, 'broker connection failed'))
    recovering.on('handler-error', (error: Error) => log.error({ err: error }, 'broker listener failed'))
    recovering.on('blocked', (reason) => {
      blocked = true
      log.warn({ reason }, 'broker takes no messages')
    })
    recovering.on('unblocked', () => {
      blocked = false
      log.info('broker takes messages again')
    })
    return recovering
  }

  return {
    channel: (channelName: string, setup: Setup, onOpen: () => void): KeptChannel => {
      const { kept, connected } = keepChannel({
        name: channelName,
        setup,
        onOpen,
        model: () => model,
        log,
        onClose: () => channels.delete(entry),
      })
      const entry = { connected }
      channels.add(entry)
      if (model) connected()
      return kept
    },
    healthy: (): boolean => model !== undefined && !blocked,
    connected: async (timeoutMs: number): Promise<void> => {
      if (model) return
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.add(resolve)
      await withTimeout(timeoutMs, 'broker not connected', promise).finally(() => waiting.delete(resolve))
    },
    close: async (deadlineMs: number): Promise<void> => {
      if (closed) return
      closed = true
      const last = model
      model = undefined
      await withTimeout(
        deadlineMs,
        'broker did not close in time',
        connection.then((recovering) => recovering.close()),
      ).catch((error: Error) => {
        log.warn({ err: error }, 'broker connection cut')
        destroySocket(last)
      })
    },
  }
}

const withHeartbeat = (url: string): string => {
  const parsed = new URL(url)
  if (!parsed.searchParams.has('heartbeat')) parsed.searchParams.set('heartbeat', '10')
  return parsed.href
}

const destroySocket = (model: ChannelModel | undefined): void => {
  const connection = model?.connection as { stream?: { destroy(): void } } | undefined
  connection?.stream?.destroy()
}

/** What became of a published message: stored, not routed to any queue, or refused by a queue (full). */
export type Outcome = 'confirmed' | 'returned' | 'refused'

/** A message to publish; it is persistent and mandatory. */
export type Outgoing = {
  exchange: string
  routingKey: string
  content: Buffer
  messageId: string
  type?: string
  contentType?: string
  timestamp?: number
  expiration?: number
  headers?: Record<string, unknown>
}

type Watched = { returned: Set<string>; open: boolean }

const watchedChannels = new WeakMap<ConfirmChannel, Watched>()
const watch = (channel: ConfirmChannel): Watched => {
  const known = watchedChannels.get(channel)
  if (known) return known
  const watched: Watched = { returned: new Set(), open: true }
  watchedChannels.set(channel, watched)
  channel.on('return', ({ properties }) => watched.returned.add(String(properties.messageId)))
  // Before the channel's own listener, which gives every open confirm an error.
  channel.prependOnceListener('close', () => {
    watched.open = false
  })
  return watched
}

/**
 * Publishes in order and waits for the broker's word on each. An unroutable message is confirmed too, but returned before that.
 * @throws Error when the channel closes or `timeoutMs` passes: then it is unknown which messages are stored
 */
export const publishAll = async (
  channel: ConfirmChannel,
  messages: Outgoing[],
  timeoutMs = 10_000,
): Promise<Outcome[]> => {
  const watched = watch(channel)
  const confirms = messages.map(
    ({ exchange: to, routingKey, content, ...options }) =>
      new Promise<Outcome>((resolve, reject) => {
        channel.publish(to, routingKey, content, { ...options, persistent: true, mandatory: true }, (error) => {
          if (error && !watched.open) reject(new Error('channel closed before the confirm'))
          else if (error) resolve('refused')
          else resolve(watched.returned.delete(options.messageId) ? 'returned' : 'confirmed')
        })
      }),
  )
  return withTimeout(timeoutMs, 'no confirm in time', Promise.all(confirms))
}
