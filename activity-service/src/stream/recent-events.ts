import type { RecordedEvent } from './recorded-event.ts'

type Bounds = { maxEvents: number; maxBytes: number }

/** Keeps the newest events, for clients that have read the older ones from the table. */
export const createRecentEvents = (first: number, { maxEvents, maxBytes }: Bounds) => {
  let events: RecordedEvent[] = []
  let bytes = 0
  /** All events after this one are kept. */
  let begin = first

  const forget = (count: number): void => {
    for (const { seq, frame } of events.slice(0, count)) {
      begin = seq
      bytes -= frame.length
    }
    events = events.slice(count)
  }

  const excess = (): number => {
    let count = Math.max(events.length - maxEvents, 0)
    let left = bytes
    for (const { frame } of events.slice(0, count)) left -= frame.length
    while (left > maxBytes && count < events.length) {
      left -= events[count]?.frame.length ?? 0
      count += 1
    }
    return count
  }

  return {
    add: (added: readonly RecordedEvent[]): void => {
      events.push(...added)
      for (const { frame } of added) bytes += frame.length
      const count = excess()
      if (count > 0) forget(count)
    },
    clear: (): void => forget(events.length),
    /** The events after `seq`; undefined if not all of them are kept. */
    after: (seq: number): readonly RecordedEvent[] | undefined => {
      if (seq < begin) return undefined
      return events.slice(events.findLastIndex((event) => event.seq <= seq) + 1)
    },
  }
}
