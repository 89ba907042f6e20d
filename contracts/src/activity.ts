import { z } from 'zod'
import { event } from './event.ts'
import { time, uuid } from './fields.ts'

/** How long the feed and the live stream can go back, in days. */
export const feedDays = 30

/** The longest text of a change, in UTF-16 code units. Longer ones are cut there and end with `…`. */
export const maxChangeText = 200
/** The most changes of an event that are shown, and the most items of a list in them. */
export const maxChanges = 50

const seq = z.int().min(1).meta({
  example: 48_211,
  description: 'The number of the event. Numbers grow in the order in which events were recorded, without gaps.',
})
const changedValue = z.unknown().meta({
  description: `A text, a number, a boolean, null or a list of those. A text longer than ${maxChangeText} characters is cut and ends with \`…\`; a list ends after ${maxChanges} items. Objects in a list, and objects in objects, are shown as JSON.`,
})

/** One field that an event has changed. */
export const EventChange = z
  .object({
    field: z.string().meta({
      example: 'address.city',
      description: 'The name of the field; a dot leads into `address`, `metadata` and other objects.',
    }),
    from: changedValue,
    to: changedValue,
  })
  .meta({ id: 'EventChange' })
export type EventChange = z.infer<typeof EventChange>

const word = z.string().optional()
const wholeNumber = z.int().min(-1_000_000_000_000).max(1_000_000_000_000)
/** What an event is about, with what a line about it says. Fields that the event does not have are left out. */
export const EventAbout = z
  .object({
    kind: z.string().meta({ example: 'order', description: 'The kind of the record: the first word of the type.' }),
    id: z.string().meta({ description: 'The id of the record: the subject of the event.' }),
    label: z.string().nullable().meta({
      example: 'ORD-000123',
      description:
        'What the record was called then: a name, a code or a number. Null if it has none, or if it was removed.',
    }),
    code: word.meta({ description: 'The code of a customer.' }),
    number: word.meta({ description: 'The number of an order.' }),
    total: word.meta({ description: 'The total of an order.' }),
    currency: word.meta({ description: 'The currency of an order.' }),
    status: word.meta({ description: 'The status of an order, a notification or an import.' }),
    channel: word.meta({ description: 'The channel of a notification.' }),
    reason: word.meta({ description: 'Why, if the event says so.' }),
    orderNumber: word.meta({ description: 'The number of the order that a notification is about.' }),
    role: word.meta({ description: 'The role that was granted or revoked.' }),
    sku: word.meta({ description: 'The SKU of a product.' }),
    stock: wholeNumber.optional().meta({ description: 'The stock of a product after a movement.' }),
    delta: wholeNumber.optional().meta({ description: 'What was added to the stock of a product.' }),
  })
  .meta({ id: 'EventAbout' })
export type EventAbout = z.infer<typeof EventAbout>

/** An event as the timeline and the audit show it. */
export const RecordedEvent = z
  .object({
    id: z.string().meta({ description: 'The id of the event, the same as in the stream and in webhooks.' }),
    seq,
    type: z.string().meta({ example: 'order.placed.v1' }),
    at: time.meta({ description: 'When it happened.' }),
    actor: z.object({ id: z.string(), displayName: z.string().nullable() }).nullable().meta({
      id: 'EventActor',
      description:
        'Who caused it: a user, a service or the system. Null if the event does not say. `displayName` is null in a redacted event.',
    }),
    subject: z.string().meta({ description: 'The id of the record that the event is about.' }),
    changes: z
      .array(EventChange)
      .max(maxChanges)
      .meta({
        description: `The fields that changed, with their values before and after, at most ${maxChanges}. Empty if nothing changed or the event is redacted.`,
      }),
    about: EventAbout,
    redacted: z.boolean().meta({
      description:
        'Whether the data of the event was removed because its customer was purged. The number, total and status of an order stay.',
    }),
  })
  .meta({ id: 'RecordedEvent' })
export type RecordedEvent = z.infer<typeof RecordedEvent>

/** A CloudEvent as it was published, with its number. */
export const NumberedEvent = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z.string(),
    source: z.string().meta({ example: '/order-service' }),
    type: z.string().meta({ example: 'order.placed.v1' }),
    subject: z.string(),
    time: z.string().meta({ format: 'date-time', example: '2026-11-20T09:30:00.000Z' }),
    data: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: 'As the documentation of events describes the type. Absent in a redacted event.' }),
    seq,
    redacted: z.literal(true).optional().meta({ description: 'The data was removed because its customer was purged.' }),
  })
  .meta({ id: 'NumberedEvent' })
export type NumberedEvent = z.infer<typeof NumberedEvent>

/** A page of the feed. There always is a `nextCursor`, because more events come. */
export const EventFeed = z
  .object({
    data: z.array(NumberedEvent),
    page: z.object({
      limit: z.int().min(1).max(200),
      nextCursor: z.string().meta({
        example: '48211',
        description:
          'Where the next page begins: the `seq` up to which the feed has been read. Ask again with it, also after an empty page.',
      }),
      hasMore: z.boolean().meta({ description: 'Whether there are more events already.' }),
    }),
  })
  .meta({ id: 'EventFeed' })
export type EventFeed = z.infer<typeof EventFeed>

/** The body of a 410 of the feed: what it continues from is not kept any more. */
export const FeedGone = z
  .looseObject({
    code: z.literal('gone'),
    oldest: z
      .object({ seq: seq.nullable(), at: time.nullable() })
      .meta({ description: 'The oldest event in the feed, and when it was recorded. Null if there is none.' }),
    newest: z.int().min(0).meta({ description: 'The `seq` of the newest event.' }),
  })
  .meta({ id: 'FeedGoneProblem' })

const hash = z.string().meta({ description: 'SHA-256 in hexadecimal.' })

/** An event with all its data and its place in the chain of hashes. */
export const AuditedEvent = RecordedEvent.extend({
  event: NumberedEvent.meta({ description: 'The whole event, as the feed has it.' }),
  recordedAt: time,
  chain: z.enum(['lasting', 'passing']).meta({
    id: 'AuditChain',
    description:
      'The chain that the event belongs to: `lasting` is kept for ever by default, `passing` for some months.',
  }),
  bodyHash: hash,
  hash,
}).meta({ id: 'AuditedEvent' })
export type AuditedEvent = z.infer<typeof AuditedEvent>

const ChainHead = z
  .object({
    seq: z.int().min(0).meta({ description: 'The number of the last event in the chain; 0 if there is none.' }),
    hash: z.string().meta({ description: 'Its SHA-256 in hexadecimal; empty if there is none.' }),
    recordedAt: time.nullable(),
  })
  .meta({ id: 'ChainHead' })

/** The ends of both chains. Whoever keeps them elsewhere can prove later that nothing before them was changed. */
export const ChainHeads = z.object({ lasting: ChainHead, passing: ChainHead }).meta({ id: 'ChainHeads' })
export type ChainHeads = z.infer<typeof ChainHeads>

/** The most events that one request checks. */
export const maxChecked = 100_000

/** The result of a check of the chains. */
export const ChainCheck = z
  .object({
    from: z.int().min(1),
    to: z.int().min(0),
    checked: z.int().min(0).meta({ description: 'How many events were checked.' }),
    redacted: z.int().min(0).meta({ description: 'How many of them are redacted.' }),
    ok: z.boolean(),
    firstBroken: z.int().min(1).nullable().meta({
      description:
        'The number of the first event that was changed, removed, inserted or moved, or that does not follow from the one before it.',
    }),
    reason: z.enum(['changed', 'missing', 'redacted', 'head']).nullable().meta({
      id: 'ChainFault',
      description:
        '`changed`: the event is not the one that was recorded there. `missing`: it was removed. `redacted`: its data was removed although no customer was purged. `head`: the chain does not end where it did.',
    }),
  })
  .meta({ id: 'ChainCheck' })
export type ChainCheck = z.infer<typeof ChainCheck>

/**
 * Personal data was removed from all recorded events about a purged customer. `subject` is the customer, `events` how many of its
 * events were recorded until then.
 */
export const auditRedacted = event(
  'audit.redacted.v1',
  z.object({ id: uuid, events: z.int().min(0), version: z.int().min(1) }),
)
export const activityEvents = [auditRedacted]
