import { type ConfirmChannel, connect, type GetMessage } from 'amqplib'
import { publishAll } from './broker.ts'
import { deadQueue } from './consumer/queue-topology.ts'
import { copyMessage, numberHeader } from './consumer/retry.ts'
import { foreignSender } from './sender.ts'

/**
 * Selects dead letters: those of `queue`, or of every queue that the management API lists. With `id`, only the event with this id
 * is selected. `limit` is the maximum number per queue.
 */
export type DeadLetterSelection = {
  url: string
  managementUrl?: string | undefined
  queue?: string | undefined
  id?: string | undefined
  limit: number
  /** Whether to replay events whose sender was refused as well. */
  anySender?: boolean
}

/**
 * The properties of a dead letter that may be shown. The data of the event is left out, since it may be personal. `attempts` is the
 * number of failed attempts; `reason` is `failed`, `unreadable`, `foreign sender`, `delivered too often` or a reason of the broker.
 */
export type DeadLetter = {
  queue: string
  type: string
  id: string
  since: Date | undefined
  attempts: number
  reason: string
  error: string
}

const maxSearched = 10_000
// RabbitMQ 4 drops a message after 20 deliveries, and reading it counts as one. Before that happens, it is published again.
const maxDeliveries = 10

/** Lists dead letters and leaves them in their queues. */
export const listDeadLetters = (selection: DeadLetterSelection): Promise<DeadLetter[]> =>
  forEachQueue(selection, async (channel, queue) => {
    const { found, others } = await fetchMessages(channel, queue, selection)
    for (const message of [...found, ...others]) await putBack(channel, queue, message)
    return found.map((message) => toDeadLetter(queue, message))
  })

/**
 * Publishes dead letters to their queues again, with the count of attempts reset. Each is removed once the broker has confirmed
 * the copy. Those of a foreign sender stay, unless `anySender` is set, because a consumer trusts what is replayed.
 * @returns the numbers of replayed events and of those that stay
 */
export const replayDeadLetters = async (
  selection: DeadLetterSelection,
): Promise<{ replayed: number; refused: number }> => {
  const isRefused = (message: GetMessage): boolean =>
    !selection.anySender && header(message, 'x-reason') === foreignSender
  const letters = await forEachQueue(selection, async (channel, queue) => {
    const { found, others } = await fetchMessages(channel, queue, selection)
    for (const message of found.filter((each) => !isRefused(each))) {
      const resetHeaders = {
        'x-attempt': undefined,
        'x-error': undefined,
        'x-reason': undefined,
        'x-dead-at': undefined,
      }
      await republishTo(channel, queue, message, resetHeaders)
      channel.ack(message)
    }
    for (const message of [...found.filter(isRefused), ...others]) await putBack(channel, queue, message)
    return found
  })
  const refused = letters.filter(isRefused).length
  return { replayed: letters.length - refused, refused }
}

/** Removes dead letters for good. @returns the number of removed events */
export const dropDeadLetters = async (selection: DeadLetterSelection): Promise<number> => {
  const dropped = await forEachQueue(selection, async (channel, queue) => {
    const { found, others } = await fetchMessages(channel, queue, selection)
    for (const message of found) channel.ack(message)
    for (const message of others) await putBack(channel, queue, message)
    return found
  })
  return dropped.length
}

const forEachQueue = async <T>(
  selection: DeadLetterSelection,
  work: (channel: ConfirmChannel, queue: string) => Promise<T[]>,
): Promise<T[]> => {
  const queues = selection.queue === undefined ? await listQueues(selection) : [selection.queue]
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

const fetchMessages = async (channel: ConfirmChannel, queue: string, { id, limit }: DeadLetterSelection) => {
  const found: GetMessage[] = []
  const others: GetMessage[] = []
  // A message that is put back is delivered again, so this reads no more messages than the queue has at first.
  const { messageCount } = await channel.checkQueue(deadQueue(queue)).catch(() => {
    throw new Error(`queue ${deadQueue(queue)} not found`)
  })
  const maxMessages = Math.min(messageCount, id === undefined ? limit : maxSearched)
  while (found.length + others.length < maxMessages && found.length < limit) {
    const message = await channel.get(deadQueue(queue))
    if (!message) break
    if (id === undefined || idOf(message) === id) found.push(message)
    else others.push(message)
  }
  return { found, others }
}

const putBack = async (channel: ConfirmChannel, queue: string, message: GetMessage): Promise<void> => {
  if (numberHeader(message, 'x-delivery-count') < maxDeliveries) return channel.nack(message, false, true)
  await republishTo(channel, deadQueue(queue), message, {})
  channel.ack(message)
}

const republishTo = async (
  channel: ConfirmChannel,
  queue: string,
  message: GetMessage,
  headers: Record<string, unknown>,
): Promise<void> => {
  const [outcome] = await publishAll(channel, [copyMessage(message, { exchange: '', routingKey: queue }, headers)])
  if (outcome !== 'confirmed')
    throw new Error(`publishing to ${queue} failed: ${outcome}; the event stays a dead letter`)
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

const toDeadLetter = (queue: string, message: GetMessage): DeadLetter => {
  const since = new Date(header(message, 'x-dead-at') ?? Number(message.properties.timestamp) * 1_000)
  const brokerReason = message.properties.headers?.['x-first-death-reason']
  return {
    queue,
    type: header(message, 'x-event-type') ?? String(message.properties.type ?? '?'),
    id: idOf(message),
    since: Number.isNaN(since.getTime()) ? undefined : since,
    attempts: numberHeader(message, 'x-attempt') + (header(message, 'x-reason') === 'failed' ? 1 : 0),
    reason: header(message, 'x-reason') ?? (typeof brokerReason === 'string' ? brokerReason : '?'),
    error: header(message, 'x-error') ?? '?',
  }
}

const listQueues = async ({ url, managementUrl }: DeadLetterSelection): Promise<string[]> => {
  const { username, password, href } = new URL(managementUrl ?? '')
  const vhost = decodeURIComponent(new URL(url).pathname.slice(1)) || '/'
  const listUrl = new URL(
    `api/queues/${encodeURIComponent(vhost)}?columns=name`,
    href.endsWith('/') ? href : `${href}/`,
  )
  Object.assign(listUrl, { username: '', password: '' })
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const response = await fetch(listUrl, {
    headers: { authorization: `Basic ${credentials}` },
    signal: AbortSignal.timeout(15_000),
  })
  if (!response.ok) throw new Error(`the RabbitMQ management API returned ${response.status}`)
  const queues = (await response.json()) as { name: string }[]
  return queues
    .filter(({ name }) => name.endsWith('.dead'))
    .map(({ name }) => name.slice(0, -'.dead'.length))
    .sort()
}
