import type { NumberedEvent } from '@clientele/contracts/activity'
import { sourceOf } from '../events/event.kinds.ts'

/** The columns of `events` from which an event is told. */
export type ToldEvent = { seq: number; eventId: string; type: string; subject: string; at: Date; body: string | null }

/**
 * The CloudEvent of a recorded event, with its number in the order of all events. An event whose customer was purged has no `data`,
 * and `redacted` says so.
 */
export const presentEvent = ({ seq, eventId, type, subject, at, body }: ToldEvent): NumberedEvent => {
  if (body !== null) return { ...(JSON.parse(body) as Omit<NumberedEvent, 'seq'>), seq } as NumberedEvent
  const head = { specversion: '1.0' as const, id: eventId, source: sourceOf(type), type, subject }
  return { ...head, time: at.toISOString(), redacted: true, seq }
}
