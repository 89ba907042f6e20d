import type { RecordedEvent } from '@clientele/contracts/activity'
import { columnName } from '@clientele/platform/data/column-name'
import { z } from 'zod'
import { eventAbout } from './event-about.ts'
import { eventChanges } from './event-changes.ts'

/** What a line about an event is made of. */
export type RecordedEventRow = {
  seq: number
  eventId: string
  type: string
  subject: string
  at: Date
  actorId: string | null
  about: string | null
  body: string | null
}

/** The columns of {@link RecordedEventRow}, of the table `events` and the view `record_events`. */
export const recordedEventColumns = ['seq', 'eventId', 'type', 'subject', 'at', 'actorId', 'about', 'body'] as const

/** The same as a list of `select` from `events`. */
export const recordedEventSelection = recordedEventColumns
  .map((name) => `events.${columnName(name)} as "${name}"`)
  .join(', ')

type Data = Record<string, unknown>
const Actor = z.looseObject({ displayName: z.string() })

/** A redacted event has no body any more, and what was kept of its data is in `about`. */
const dataOf = ({ body, about }: RecordedEventRow): Data => {
  if (body !== null) return (JSON.parse(body) as { data: Data }).data
  return about === null ? {} : (JSON.parse(about) as Data)
}

/** An event as the timeline and the audit show it. */
export const presentRecordedEvent = (row: RecordedEventRow): RecordedEvent => {
  const { seq, eventId, type, subject, at, actorId, body } = row
  const data = dataOf(row)
  // The name in the body is protected by the chain of hashes.
  const displayName = Actor.safeParse(data['actor']).data?.displayName ?? null
  return {
    id: eventId,
    seq,
    type,
    at: at.toISOString(),
    actor: actorId === null ? null : { id: actorId, displayName },
    subject,
    changes: eventChanges(data),
    about: eventAbout(type, subject, data),
    redacted: body === null,
  }
}
