import type { ConsumeMessage } from 'amqplib'
import { z } from 'zod'
import { bulkHeader } from '../outbox/outbox-rows.ts'
import { refuseSender } from '../sender.ts'

const word = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u)

/** A CloudEvents 1.0 envelope of any type. */
const AnyEvent = z.object({
  specversion: z.literal('1.0'),
  id: z.guid(),
  source: word,
  type: word,
  subject: word,
  time: z.iso.datetime(),
  data: z.looseObject({}),
})

/** An event as it arrived. `text` is the body of its message; `isBulk` says whether an import or the like caused it. */
export type ReceivedEvent = z.infer<typeof AnyEvent> & { text: string; isBulk: boolean }

/** A message that is no event, or that a foreign sender has published. */
export type UnreadableMessage = { content: Buffer; routingKey: string; reason: string }

/** What an ordered consumer got since its last transaction, in the order of the queue. */
export type OrderedBatch = {
  /** The events that it has not handled before. */
  events: ReceivedEvent[]
  /** The messages that are no events, or whose sender may not publish them. */
  unreadable: UnreadableMessage[]
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads a message of any event type. @param queue the consumer's queue */
export const readMessage = (message: ConsumeMessage, queue: string): ReceivedEvent | UnreadableMessage => {
  const { content, fields, properties } = message
  const unreadable = (reason: string): UnreadableMessage => ({ content, routingKey: fields.routingKey, reason })
  let text: string
  let json: unknown
  try {
    text = decoder.decode(content)
    json = JSON.parse(text)
  } catch {
    return unreadable('not JSON in UTF-8')
  }
  const { data: event, error } = AnyEvent.safeParse(json)
  if (!event) {
    const issues = error.issues.slice(0, 3).map(({ path, code }) => `/${path.slice(0, 3).join('/')} ${code}`)
    return unreadable(`no CloudEvent: ${issues.join(', ')}`)
  }
  const refusal = refuseSender(message, event, queue)
  if (refusal !== undefined) return unreadable(refusal)
  return { ...event, text, isBulk: properties.headers?.[bulkHeader] === true }
}
