import type { Event } from '../event-log.ts'
import type { EventReader } from '../event-readers.ts'
import type { Receiver } from '../webhook-receivers.ts'
import { distinctEvents } from './events.ts'
import type { Query } from './query.ts'

const maxErrors = 20

type Row = { seq: number; id: string; subject: string; body: string | null }

const idsBySubject = (events: readonly { id: string; subject: string }[]): Map<string, string> =>
  new Map(
    [...Map.groupBy(events, ({ subject }) => subject)].map(([subject, own]) => [
      subject,
      own.map(({ id }) => id).join(),
    ]),
  )

/**
 * Finds published events that activity-service did not record exactly once and as they were published, gaps in its numbers, and
 * subjects whose events are not in the order in which they were published.
 */
export const checkRecordedEvents = async (events: readonly Event[], query: Query): Promise<string[]> => {
  const published = distinctEvents(events)
  const sql = 'select seq::int, event_id as id, subject, body from events order by seq'
  const rows = await query<Row>('activity-service', sql, [])
  const errors: string[] = []
  if (rows.length !== published.length) errors.push(`${rows.length} events are recorded of ${published.length}`)
  const gap = rows.find(({ seq }, index) => seq !== index + 1)
  if (gap) errors.push(`the numbers are not 1, 2, 3… from ${gap.seq} on`)
  const recorded = new Map(rows.map((row) => [row.id, row]))
  for (const event of published) {
    const row = recorded.get(event.id)
    if (!row) errors.push(`${event.type} ${event.id} is not recorded`)
    else if (row.body !== null && row.body !== JSON.stringify(event))
      errors.push(`${event.type} ${event.id} was changed: ${row.body.slice(0, 200)}`)
  }
  const orders = idsBySubject(rows)
  for (const [subject, order] of idsBySubject(published))
    if (orders.get(subject) !== order)
      errors.push(`events of ${subject} are recorded as ${orders.get(subject)}, not ${order}`)
  return errors.slice(0, maxErrors)
}

/** Finds readers that did not get every recorded event exactly once, in the order of the numbers. */
export const checkReaders = async (readers: readonly EventReader[], query: Query): Promise<string[]> => {
  const rows = await query<{ id: string }>('activity-service', 'select event_id as id from events order by seq', [])
  return readers.flatMap(({ name, ids }) => {
    const wrong = rows.findIndex(({ id }, index) => ids[index] !== id)
    if (wrong < 0 && ids.length === rows.length) return []
    const at = wrong < 0 ? rows.length : wrong
    return [`${name} has ${ids.length} of ${rows.length} events; number ${at + 1} is ${ids[at]}, not ${rows[at]?.id}`]
  })
}

/** Finds receivers that did not get every event since their webhook was created, and ordered ones with a wrong order. */
export const checkReceivers = async (receivers: readonly Receiver[], query: Query): Promise<string[]> => {
  const sql = 'select event_id as id, subject from events where seq > $1 order by seq'
  const errors: string[] = []
  for (const { name, ordered, position, ids } of receivers) {
    const expected = await query<{ id: string; subject: string }>('activity-service', sql, [position])
    const received = new Set(ids)
    const missing = expected.filter(({ id }) => !received.has(id))
    if (missing.length > 0 || received.size !== expected.length)
      errors.push(
        `${name} has ${received.size} of ${expected.length} events, and lacks ${missing.slice(0, 3).map(({ id }) => id)}`,
      )
    if (!ordered) continue
    const subjectOf = new Map(expected.map(({ id, subject }) => [id, subject]))
    const orders = idsBySubject(ids.map((id) => ({ id, subject: subjectOf.get(id) ?? '' })))
    for (const [subject, order] of idsBySubject(expected))
      if (orders.get(subject) !== order)
        errors.push(`${name} got the events of ${subject} as ${orders.get(subject)}, not ${order}`)
  }
  return errors.slice(0, maxErrors)
}
