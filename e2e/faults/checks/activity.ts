import type { Event } from '../event-log.ts'
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
