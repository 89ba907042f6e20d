import { randomBytes, randomUUID } from 'node:crypto'
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import { exchange, type Outcome, type Outgoing, publishAll } from '../events/broker.ts'
import type { Envelope } from '../events/envelope.ts'
import { withTimeout } from '../runtime/timeout.ts'
import { testEnv } from './database.ts'

/** Everything that is published, from when it was opened. */
export type Tap = {
  /** The first event of that type (and subject) that no `next` has given yet; rejects after `timeoutMs`. */
  next(type: string, subject?: string, timeoutMs?: number): Promise<Envelope>
  /** All that came so far, in order. */
  all(): readonly Envelope[]
}

/** A RabbitMQ virtual host of a test file's own. */
export type TestBroker = {
  url: string
  /** One call of the management API below `/api`; `{vhost}` in the path is this virtual host. */
  management<T = unknown>(method: string, path: string, body?: unknown): Promise<T>
  tap(): Promise<Tap>
  /** Publishes an event as a relay does; `returned` when no queue takes it. */
  publish(event: Envelope, headers?: Record<string, unknown>): Promise<Outcome>
  /** Publishes any bytes. */
  publishRaw(routingKey: string, content: Buffer, headers?: Record<string, unknown>): Promise<Outcome>
  /** Messages that wait in a queue; 0 where there is no such queue. */
  count(queue: string): Promise<number>
  /** Cuts the connections whose name is `name` through the management API. @returns how many there were */
  cut(name: string): Promise<number>
  close(): Promise<void>
}

const mostKept = 100_000

/** Makes a virtual host; `close` removes it with all that is in it. */
export const testBroker = async (): Promise<TestBroker> => {
  const vhost = `test-${randomBytes(6).toString('hex')}`
  const account = decodeURIComponent(new URL(testEnv('TEST_RABBITMQ_URL')).username)
  await call('PUT', `/vhosts/${vhost}`)
  await call('PUT', `/permissions/${vhost}/${encodeURIComponent(account)}`, {
    configure: '.*',
    write: '.*',
    read: '.*',
  })
  const url = Object.assign(new URL(testEnv('TEST_RABBITMQ_URL')), { pathname: `/${vhost}` }).href
  let open: Promise<Line> | undefined
  const line = (): Promise<Line> => (open ??= openLine(url))
  const send = async (message: Omit<Outgoing, 'exchange'>): Promise<Outcome> => {
    const [outcome] = await publishAll((await line()).channel, [{ exchange, ...message }])
    return outcome ?? 'refused'
  }
  const management = <T>(method: string, path: string, body?: unknown) =>
    call<T>(method, path.replace('{vhost}', vhost), body)

  return {
    url,
    management,
    tap: async () => openTap((await line()).channel),
    publish: (event, headers = {}) =>
      send({
        routingKey: event.type,
        content: Buffer.from(JSON.stringify(event)),
        messageId: event.id,
        type: event.type,
        headers,
      }),
    publishRaw: (routingKey, content, headers = {}) => send({ routingKey, content, messageId: randomUUID(), headers }),
    count: async (queue) => {
      const { model } = await line()
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
    cut: async (name) => {
      const all = await management<{ name: string; user_provided_name?: string }[]>(
        'GET',
        '/vhosts/{vhost}/connections',
      )
      const named = all.filter((connection) => connection.user_provided_name === name)
      for (const connection of named) await management('DELETE', `/connections/${encodeURIComponent(connection.name)}`)
      return named.length
    },
    close: async () => {
      await (await open)?.model.close().catch(() => {})
      await call('DELETE', `/vhosts/${vhost}`)
    },
  }
}

type Line = { model: ChannelModel; channel: ConfirmChannel }

const openLine = async (url: string): Promise<Line> => {
  const model = await connect(url, { noDelay: true, timeout: 10_000 })
  model.on('error', () => {})
  const channel = await model.createConfirmChannel()
  channel.on('error', () => {})
  await channel.assertExchange(exchange, 'topic', { durable: true })
  return { model, channel }
}

const openTap = async (channel: ConfirmChannel): Promise<Tap> => {
  const seen: Envelope[] = []
  const taken = new Set<Envelope>()
  const waiting = new Set<() => void>()
  const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true })
  await channel.bindQueue(queue, exchange, '#')
  await channel.consume(
    queue,
    (message) => {
      if (message === null || seen.length >= mostKept) return
      seen.push(JSON.parse(message.content.toString('utf8')) as Envelope)
      for (const look of waiting) look()
    },
    { noAck: true },
  )
  return {
    all: () => seen,
    next: async (type, subject, timeoutMs = 10_000) => {
      const { promise, resolve } = Promise.withResolvers<Envelope>()
      const look = () => {
        const found = seen.find(
          (event) => event.type === type && (subject === undefined || event.subject === subject) && !taken.has(event),
        )
        if (!found) return
        waiting.delete(look)
        taken.add(found)
        resolve(found)
      }
      waiting.add(look)
      look()
      return withTimeout(timeoutMs, `no ${type} of ${subject ?? 'any subject'} came`, promise).finally(() =>
        waiting.delete(look),
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
  const answer = await response.text()
  return (answer === '' ? undefined : JSON.parse(answer)) as T
}
