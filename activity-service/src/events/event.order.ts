import type { ReceivedEvent } from '@clientele/platform/events/consumer/ordered-consumer'

const byTime = (a: ReceivedEvent, b: ReceivedEvent): number =>
  Date.parse(a.time) - Date.parse(b.time) || (a.id < b.id ? -1 : 1)

/**
 * Puts events that arrived together in the order in which they happened, because those of one request may come through several
 * partitions of an outbox. The events of each subject keep the order in which they arrived.
 */
export const inOrderOfTime = (events: readonly ReceivedEvent[]): ReceivedEvent[] => {
  const bySubject = Map.groupBy(events, ({ subject }) => subject)
  return events.toSorted(byTime).flatMap(({ subject }) => bySubject.get(subject)?.shift() ?? [])
}
