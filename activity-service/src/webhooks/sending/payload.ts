import { sourceOf } from '../../events/event.kinds.ts'

/** A recorded event as it is sent. `body` is the message as it arrived; null after the customer was purged. */
export type SentEvent = {
  eventId: string
  type: string
  subject: string
  at: Date
  version: number | null
  body: string | null
}

const referenceTo = ({ eventId, type, subject, at, version, body }: SentEvent): string =>
  JSON.stringify({
    specversion: '1.0',
    id: eventId,
    source: sourceOf(type),
    type,
    subject,
    time: at.toISOString(),
    datacontenttype: 'application/json',
    ...(body === null && { redacted: true }),
    data: { version },
  })

/** The body of a request: the event as it arrived, or without its data. Of a purged customer only the latter is left. */
export const bodyOf = (event: SentEvent, payload: 'full' | 'reference'): Buffer =>
  Buffer.from(payload === 'full' && event.body !== null ? event.body : referenceTo(event))
