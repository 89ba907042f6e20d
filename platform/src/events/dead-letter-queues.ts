import { type ConfirmChannel, connect, type GetMessage } from 'amqplib'
import { publishAll } from './broker.ts'
import { deadQueue } from './consumer/queue-topology.ts'
import { copyOf, numberHeader } from './consumer/retry.ts'

/** Which dead letters: of one queue or of all that the management API knows. */
export type Selection = {
  url: string
  managementUrl?: string | undefined
  queue?: string | undefined
  id?: string | undefined
  limit: number
}

/** A dead letter as it may be shown: nothing of its data. */
export type DeadLetter = {
  queue: string
  type: string
  id: string
  since: Date | undefined
  attempts: number
  reason: string
  error: string
}

const deepestSearch = 10_000
// RabbitMQ 4 drops a message after 20 deliveries, and looking at it is one: before that it is put there anew.
const mostLooks = 10

/** Shows dead letters and leaves them where they are. */
export const listDeadLetters = (selection: Selection): Promise<DeadLetter[]> =>
  inQueues(selection, async (channel, queue) => {
    const { found, others } = await take(channel, queue, selection)
    for (const message of [...found, ...others]) await giveBack(channel, queue, message)
    return found.map((message) => describe(queue, message))
  })

/** Puts dead letters back into their queues with all attempts before them; each is removed once the broker has the copy. @returns how many */
export const replayDeadLetters = async (selection: Selection): Promise<number> => {
  const replayed = await inQueues(selection, async (channel, queue) => {
    const { found, others } = await take(channel, queue, selection)
    for (const message of found) {
      const fresh = { 'x-attempt': undefined, 'x-error': undefined, 'x-reason': undefined, 'x-dead-at': undefined }
      await copyTo(channel, queue, message, fresh)
      channel.ack(message)
    }
    for (const message of others) await giveBack(channel, queue, message)
    return found
  })
  return replayed.length
}

/** Removes dead letters for good. @returns how many */
export const dropDeadLetters = async (selection: Selection): Promise<number> => {
  const dropped = await inQueues(selection, async (channel, queue) => {
    const { found, others } = await take(channel, queue, selection)
    for (const message of found) channel.ack(message)
    for (const message of others) await giveBack(channel, queue, message)
    return found
  })
  return dropped.length
}

const inQueues = async <T>(
  selection: Selection,
  work: (channel: ConfirmChannel, queue: string) => Promise<T[]>,
): Promise<T[]> => {
  const queues = selection.queue === undefined ? await queuesWithDeadLetters(selection) : [selection.queue]
  const connection = await connect(selection.url, { noDelay: true, timeout: 10_000 })
  connection.on('error', () => {})
  try {
    const results: T[] = []
    for (const queue of queues) {
      const channel = await connection.createConfirmChannel()
      channel.on('error', () => {})
      results.push(...(await work(channel, queue)))
      await channel.close()
    }
    return results
  } finally {
    await connection.close().catch(() => {})
  }
}

const take = async (channel: ConfirmChannel, queue: string, { id, limit }: Selection) => {
  const found: GetMessage[] = []
  const others: GetMessage[] = []
  // Only what is there now: what is given back must not be met again.
  const { messageCount } = await channel.checkQueue(deadQueue(queue)).catch(() => {
    throw new Error(`there is no queue ${deadQueue(queue)}`)
  })
  const most = Math.min(messageCount, id === undefined ? limit : deepestSearch)
  while (found.length + others.length < most && found.length < limit) {
    const message = await channel.get(deadQueue(queue))
    if (!message) break
    if (id === undefined || idOf(message) === id) found.push(message)
    else others.push(message)
  }
  return { found, others }
}

const giveBack = async (channel: ConfirmChannel, queue: string, message: GetMessage): Promise<void> => {
  if (numberHeader(message, 'x-delivery-count') < mostLooks) return channel.nack(message, false, true)
  await copyTo(channel, deadQueue(queue), message, {})
  channel.ack(message)
}

const copyTo = async (
  channel: ConfirmChannel,
  queue: string,
  message: GetMessage,
  headers: Record<string, unknown>,
): Promise<void> => {
  const [outcome] = await publishAll(channel, [copyOf(message, queue, headers)])
  if (outcome !== 'confirmed') throw new Error(`${queue} did not take the event: ${outcome}; it stays a dead letter`)
}

const header = ({ properties }: GetMessage, name: string): string | undefined => {
  const value: unknown = properties.headers?.[name]
  return typeof value === 'string' ? value : undefined
}

const idOf = ({ content, properties }: GetMessage): string => {
  if (typeof properties.messageId === 'string') return properties.messageId
  const id = /"id":"([0-9a-f-]{36})"/.exec(content.subarray(0, 1_000).toString('utf8'))?.[1]
  return id ?? '?'
}

const describe = (queue: string, message: GetMessage): DeadLetter => {
  const since = new Date(header(message, 'x-dead-at') ?? Number(message.properties.timestamp) * 1_000)
  const byBroker = message.properties.headers?.['x-first-death-reason']
  return {
    queue,
    type: header(message, 'x-event-type') ?? String(message.properties.type ?? '?'),
    id: idOf(message),
    since: Number.isNaN(since.getTime()) ? undefined : since,
    attempts: numberHeader(message, 'x-attempt') + (header(message, 'x-reason') === 'failed' ? 1 : 0),
    reason: header(message, 'x-reason') ?? (typeof byBroker === 'string' ? byBroker : '?'),
    error: header(message, 'x-error') ?? '?',
  }
}

const queuesWithDeadLetters = async ({ url, managementUrl }: Selection): Promise<string[]> => {
  const { username, password, href } = new URL(managementUrl ?? '')
  const vhost = decodeURIComponent(new URL(url).pathname.slice(1)) || '/'
  const address = new URL(
    `api/queues/${encodeURIComponent(vhost)}?columns=name`,
    href.endsWith('/') ? href : `${href}/`,
  )
  Object.assign(address, { username: '', password: '' })
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const response = await fetch(address, {
    headers: { authorization: `Basic ${credentials}` },
    signal: AbortSignal.timeout(15_000),
  })
  if (!response.ok) throw new Error(`RabbitMQ's management API answers ${response.status}`)
  const queues = (await response.json()) as { name: string }[]
  return queues
    .filter(({ name }) => name.endsWith('.dead'))
    .map(({ name }) => name.slice(0, -'.dead'.length))
    .sort()
}
