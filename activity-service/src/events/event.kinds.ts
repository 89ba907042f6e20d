import { auditRedacted } from '@clientele/contracts/activity'
import { publishersOf } from '@clientele/contracts/broker-accounts'
import { customerPurged } from '@clientele/contracts/customer'
import type { ReceivedEvent } from '@clientele/platform/events/consumer/ordered-consumer'
import { z } from 'zod'

/** `lasting` events are kept for ever by default, `passing` ones some months. */
export type EventClass = 'lasting' | 'passing'
export const eventClasses: readonly EventClass[] = ['lasting', 'passing']

const lastingKinds = ['customer', 'order', 'product', 'user', 'webhook', 'audit']
const stockTypes = /^product\.stock_/

/** The CloudEvents source of events of a type: the service that publishes them. */
export const sourceOf = (type: string): string => `/${publishersOf(type)[0] ?? 'activity-service'}`

/** The first word of an event type. */
export const kindOf = (type: string): string => type.split('.', 1)[0] ?? ''

export const classOf = (type: string): EventClass =>
  lastingKinds.includes(kindOf(type)) && !stockTypes.test(type) ? 'lasting' : 'passing'

/** The classes that events of a kind can have. */
export const classesOfKind = (kind: string): readonly EventClass[] =>
  kind === 'product' ? eventClasses : [classOf(`${kind}.`)]

/** The events about a purged customer that tell of the purge itself. They are not redacted. */
export const purgeTypes: readonly string[] = [customerPurged.type, auditRedacted.type]

const id = z.guid().nullish().catch(undefined)
const References = z.looseObject({ customerId: id, orderId: id })

/** The records that an event is about: its subject, and the customer and the order in its data. */
export const refsOf = ({ subject, data }: ReceivedEvent): string[] => {
  const { customerId, orderId } = References.parse(data)
  return [...new Set([subject, customerId, orderId])].filter((ref) => typeof ref === 'string')
}

/** The fields of an event's data that stay when personal data is removed. None of them can contain any. */
const keptFields: Record<string, readonly string[]> = {
  order: ['number', 'total', 'currency', 'status'],
  notification: ['channel', 'status', 'reason', 'orderNumber'],
}

const Kept = z.union([z.string().max(200), z.number(), z.null()])

/** What stays of an event's data, as JSON; null if nothing does. */
export const aboutOf = ({ type, data }: ReceivedEvent): string | null => {
  const kept = (keptFields[kindOf(type)] ?? []).filter((name) => Kept.safeParse(data[name]).success)
  return kept.length === 0 ? null : JSON.stringify(Object.fromEntries(kept.map((name) => [name, data[name]])))
}

// PostgreSQL stores no text with NUL.
const line = z.string().regex(/^[^\p{Cc}\p{Cs}]{0,1000}$/u)
const Stamps = z.looseObject({
  actor: z.looseObject({ id: line, displayName: line }).nullish().catch(undefined),
  version: z.int().min(0).max(2_147_483_647).nullish().catch(undefined),
})

/** The actor and the version in an event's data. */
export const stampsOf = ({ data }: ReceivedEvent) => {
  const { actor, version } = Stamps.parse(data)
  return { actorId: actor?.id ?? null, actorName: actor?.displayName ?? null, version: version ?? null }
}
