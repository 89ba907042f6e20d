import { eventExchange } from '@clientele/contracts/broker-accounts'
import { type ChannelModel, type ConfirmChannel, connect, type RecoveringChannelModel } from 'amqplib'
import type { Log } from '../runtime/log.ts'
import { gauge } from '../runtime/telemetry.ts'
import { withTimeout } from '../runtime/timeout.ts'
import { type ChannelSetup, openRecoveringChannel, type RecoveringChannel } from './channel.ts'

/** The topic exchange that all events are published to. The routing key is the event type. */
export const exchange = eventExchange

/**
 * RabbitMQ connections that reconnect forever. No call blocks on them unless it asks to. Publishers get their own connection:
 * under a memory or disk alarm RabbitMQ stops reading from publishing connections, and acknowledgements must not be stuck
 * behind that.
 */
export type Broker = {
  /** The account that it connects as; undefined if the URL has none. */
  account: string | undefined
  /**
   * A confirm channel that is reopened whenever it or its connection closes. `setup` declares queues and starts consuming each
   * time.
   * @param name shown in the log
   */
  channel(name: string, setup: ChannelSetup, options?: ChannelOptions): RecoveringChannel
  /** Whether all connections are open and the broker accepts messages (no memory or disk alarm). */
  isHealthy(): boolean
  /** Resolves when connected; rejects after `timeoutMs`. */
  connected(timeoutMs: number): Promise<void>
  /** Closes the connections; destroys their sockets after `timeoutMs`. */
  close(timeoutMs?: number): Promise<void>
}

/** `publishes` selects the connection for publishers. `onOpen` is called each time the channel has been set up. */
export type ChannelOptions = { publishes?: boolean; onOpen?: () => void }

/** Starts connecting in the background. The RabbitMQ management UI shows the connection as `name`. */
export const connectBroker = ({ url, name, log }: { url: string; name: string; log: Log }): Broker => {
  const main = openConnection({ url, name, log })
  let publisher: Connection | undefined
  const connections = (): Connection[] => (publisher ? [main, publisher] : [main])
  gauge('broker_up', '1 while the broker is connected and accepts messages', [], function () {
    this.set(connections().every((connection) => connection.isHealthy()) ? 1 : 0)
  })
  return {
    account: decodeURIComponent(new URL(url).username) || undefined,
    channel: (channelName, setup, { publishes = false, onOpen = () => {} } = {}) => {
      if (!publishes) return main.channel(channelName, setup, onOpen)
      publisher ??= openConnection({ url, name: `${name} publisher`, log })
      return publisher.channel(channelName, setup, onOpen)
    },
    isHealthy: () => connections().every((connection) => connection.isHealthy()),
    connected: async (timeoutMs) =>
      void (await Promise.all(connections().map((connection) => connection.connected(timeoutMs)))),
    close: async (timeoutMs = 5_000) =>
      void (await Promise.all(connections().map((connection) => connection.close(timeoutMs)))),
  }
}

type Connection = ReturnType<typeof openConnection>

const openConnection = ({ url, name, log: parent }: { url: string; name: string; log: Log }) => {
  const log = parent.child({ connection: name })
  // amqplib's name for an open connection; undefined while disconnected.
  let model: ChannelModel | undefined
  let blocked = false
  let closed = false
  const channels = new Set<{ onConnected(): void }>()
  const connectWaiters = new Set<() => void>()

  const connecting = connect(withHeartbeat(url), {
    noDelay: true,
    keepAlive: true,
    timeout: 10_000,
    clientProperties: { connection_name: name },
    recovery: { waitForConnect: false, initialDelay: 200, maxDelay: 5_000 },
  }).then((recovering) => listenTo(recovering))

  const listenTo = (recovering: RecoveringChannelModel): RecoveringChannelModel => {
    recovering.on('connect', (connected) => {
      model = connected
      blocked = false
      log.info('broker connected')
      for (const channel of channels) channel.onConnected()
      for (const resolve of connectWaiters) resolve()
    })
    recovering.on('disconnect', (error) => {
      model = undefined
      log.warn({ err: error }, 'broker connection lost')
    })
    recovering.on('reconnect-scheduled', ({ attempt, delay, error }) => {
      // Warns once per outage, and not if the first attempt succeeds.
      log[attempt === 2 ? 'warn' : 'debug'](
        { attempt, delay, reason: error.message },
        'broker unavailable, reconnecting',
      )
    })
    recovering.on('error', (error) => log.warn({ err: error }, 'broker connection failed'))
    recovering.on('handler-error', (error: Error) => log.error({ err: error }, 'broker listener failed'))
    recovering.on('blocked', (reason) => {
      blocked = true
      log.warn({ reason }, 'broker blocks publishers')
    })
    recovering.on('unblocked', () => {
      blocked = false
      log.info('broker accepts messages again')
    })
    return recovering
  }

  return {
    channel: (channelName: string, setup: ChannelSetup, onOpen: () => void): RecoveringChannel => {
      const { channel, onConnected } = openRecoveringChannel({
        name: channelName,
        setup,
        onOpen,
        model: () => model,
        log,
        onClose: () => channels.delete(entry),
      })
      const entry = { onConnected }
      channels.add(entry)
      if (model) onConnected()
      return channel
    },
    isHealthy: (): boolean => model !== undefined && !blocked,
    connected: async (timeoutMs: number): Promise<void> => {
      if (model) return
      const { promise, resolve } = Promise.withResolvers<void>()
      connectWaiters.add(resolve)
      await withTimeout(timeoutMs, 'broker not connected', promise).finally(() => connectWaiters.delete(resolve))
    },
    close: async (timeoutMs: number): Promise<void> => {
      if (closed) return
      closed = true
      const last = model
      model = undefined
      await withTimeout(
        timeoutMs,
        'broker did not close in time',
        connecting.then((recovering) => recovering.close()),
      ).catch((error: Error) => {
        log.warn({ err: error }, 'broker connection destroyed')
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

/**
 * The broker's response to a published message: `confirmed` (stored), `returned` (unroutable: no queue is bound to its routing
 * key) or `rejected` (a queue is full).
 */
export type Outcome = 'confirmed' | 'returned' | 'rejected'

/** A message to publish. It is sent as persistent and mandatory. `timestamp` is in seconds since 1970, `expiration` in milliseconds. */
export type OutgoingMessage = {
  exchange: string
  routingKey: string
  content: Buffer
  messageId: string
  type?: string
  contentType?: string
  timestamp?: number
  expiration?: number
  /** The account that publishes; RabbitMQ refuses any other. */
  userId?: string
  headers?: Record<string, unknown>
}

type ChannelState = { returned: Set<string>; open: boolean }

const channelStates = new WeakMap<ConfirmChannel, ChannelState>()
const trackChannel = (channel: ConfirmChannel): ChannelState => {
  const existing = channelStates.get(channel)
  if (existing) return existing
  const state: ChannelState = { returned: new Set(), open: true }
  channelStates.set(channel, state)
  channel.on('return', ({ properties }) => state.returned.add(String(properties.messageId)))
  // Must run before the channel's own listener, which rejects every pending confirm.
  channel.prependOnceListener('close', () => {
    state.open = false
  })
  return state
}

/**
 * Publishes messages in order and waits until the broker has confirmed or rejected each. RabbitMQ confirms an unroutable
 * message as well, but returns it first.
 * @throws Error if the channel closes or `timeoutMs` passes; which messages are stored is unknown then
 */
export const publishAll = async (
  channel: ConfirmChannel,
  messages: OutgoingMessage[],
  timeoutMs = 10_000,
): Promise<Outcome[]> => {
  const state = trackChannel(channel)
  const confirms = messages.map(
    ({ exchange: to, routingKey, content, ...options }) =>
      new Promise<Outcome>((resolve, reject) => {
        channel.publish(to, routingKey, content, { ...options, mandatory: true, persistent: true }, (error) => {
          if (error && !state.open) reject(new Error('channel closed before the confirm'))
          else if (error) resolve('rejected')
          else resolve(state.returned.delete(options.messageId) ? 'returned' : 'confirmed')
        })
      }),
  )
  return withTimeout(timeoutMs, 'no confirm from the broker in time', Promise.all(confirms))
}
