import { randomBytes, randomUUID } from 'node:crypto'
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import { exchange, type Outcome, type OutgoingMessage, publishAll } from '../events/broker.ts'
import type { Envelope } from '../events/envelope.ts'
import { withTimeout } from '../runtime/timeout.ts'
import { testEnv } from './database.ts'

/** The events that are published after the subscription was opened. */
export type EventSubscription = {
  /** Resolves to the first event of a type (and subject) that no earlier call has returned; rejects after `timeoutMs`. */
  next(type: string, subject?: string, timeoutMs?: number): Promise<Envelope>
  /** Returns all events received so far, in order. */
  all(): readonly Envelope[]
}

/** A RabbitMQ virtual host for one test file. */
export type TestBroker = {
  url: string
  /** Calls the management API. `path` is relative to `/api`; `{vhost}` in it stands for this virtual host. */
  management<T = unknown>(method: string, path: string, body?: unknown): Promise<T>
  /** Starts to record all events. */
  subscribe(): Promise<EventSubscription>
  /** Publishes an event as a relay does. Returns `returned` if it is unroutable. */
  publish(event: Envelope, headers?: Record<string, unknown>): Promise<Outcome>
  /** Publishes arbitrary bytes. */
  publishRaw(routingKey: string, content: Buffer, headers?: Record<string, unknown>): Promise<Outcome>
  /** Returns the number of messages in a queue, or 0 if the queue does not exist. */
  messageCount(queue: string): Promise<number>
  /** Closes the connections with this name through the management API. @returns how many there were */
  closeConnections(name: string): Promise<number>
  close(): Promise<void>
}

const maxEvents = 100_000

/** Creates a virtual host. `close` removes it with everything in it. */
export const testBroker = async (): Promise<TestBroker> => {
  const vhost = `test-${randomBytes(6).toString('hex')}`
  const user = decodeURIComponent(new URL(testEnv('TEST_RABBITMQ_URL')).username)
  await call('PUT', `/vhosts/${vhost}`)
  await call('PUT', `/permissions/${vhost}/${encodeURIComponent(user)}`, {
    configure: '.*',
    write: '.*',
    read: '.*',
  })
  const url = Object.assign(new URL(testEnv('TEST_RABBITMQ_URL')), { pathname: `/${vhost}` }).href
  let opened: Promise<Connection> | undefined
  const connection = (): Promise<Connection> => (opened ??= openConnection(url))
  const send = async (message: Omit<OutgoingMessage, 'exchange'>): Promise<Outcome> => {
    const [outcome] = await publishAll((await connection()).channel, [{ exchange, ...message }])
    return outcome ?? 'rejected'
  }
  const management = <T>(method: string, path: string, body?: unknown) =>
    call<T>(method, path.replace('{vhost}', vhost), body)

  return {
    url,
    management,
    subscribe: async () => openSubscription((await connection()).channel),
    publish: (event, headers = {}) =>
      send({
        routingKey: event.type,
        content: Buffer.from(JSON.stringify(event)),
        messageId: event.id,
        type: event.type,
        headers,
      }),
    publishRaw: (routingKey, content, headers = {}) => send({ routingKey, content, messageId: randomUUID(), headers }),
    messageCount: async (queue) => {
      const { model } = await connection()
      const channel = await model.createChannel()
      channel.on('error', () => {})
      try {
        return (await channel.checkQueue(queue)).messageCount
      } catch {
        return 0
      } finally {
        await channel.close().catch(() => {})
      }
    },
    closeConnections: async (name) => {
      const all = await management<{ name: string; user_provided_name?: string }[]>(
        'GET',
        '/vhosts/{vhost}/connections',
      )
      const matching = all.filter((each) => each.user_provided_name === name)
      for (const each of matching) await management('DELETE', `/connections/${encodeURIComponent(each.name)}`)
      return matching.length
    },
    close: async () => {
      await (await opened)?.model.close().catch(() => {})
      await call('DELETE', `/vhosts/${vhost}`)
    },
  }
}

type Connection = { model: ChannelModel; channel: ConfirmChannel }

/** Connects to a broker, for what {@link TestBroker} does not offer. */
export const connectTestBroker = async (url: string): Promise<ChannelModel> => {
  const model = await connect(url, { noDelay: true, timeout: 10_000 })
  model.on('error', () => {})
  return model
}

const openConnection = async (url: string): Promise<Connection> => {
  const model = await connectTestBroker(url)
  const channel = await model.createConfirmChannel()
  channel.on('error', () => {})
  await channel.assertExchange(exchange, 'topic', { durable: true })
  return { model, channel }
}

const openSubscription = async (channel: ConfirmChannel): Promise<EventSubscription> => {
  const received: Envelope[] = []
  const returned = new Set<Envelope>()
  const waiters = new Set<() => void>()
  const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true })
  await channel.bindQueue(queue, exchange, '#')
  await channel.consume(
    queue,
    (message) => {
      if (message === null || received.length >= maxEvents) return
      received.push(JSON.parse(message.content.toString('utf8')) as Envelope)
      for (const check of waiters) check()
    },
    { noAck: true },
  )
  return {
    all: () => received,
    next: async (type, subject, timeoutMs = 10_000) => {
      const { promise, resolve } = Promise.withResolvers<Envelope>()
      const check = () => {
        const found = received.find(
          (event) =>
            event.type === type && (subject === undefined || event.subject === subject) && !returned.has(event),
        )
        if (!found) return
        waiters.delete(check)
        returned.add(found)
        resolve(found)
      }
      waiters.add(check)
      check()
      return withTimeout(timeoutMs, `no ${type} of ${subject ?? 'any subject'} received`, promise).finally(() =>
        waiters.delete(check),
      )
    },
  }
}

const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
  const { username, password, origin } = new URL(testEnv('TEST_RABBITMQ_MANAGEMENT_URL'))
  const response = await fetch(`${origin}/api${path}`, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`,
      'content-type': 'application/json',
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(15_000),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`)
  const text = await response.text()
  return (text === '' ? undefined : JSON.parse(text)) as T
}
