import { matchesType } from '../access/type-pattern.ts'
import { type Audience, isVisible } from '../access/visible-events.ts'
import { joinFrames, type RecordedEvent } from './recorded-event.ts'

/** What a client asks for. Without `bulk`, events of imports are only counted. */
export type StreamQuery = { type?: string[] | undefined; subject?: string | undefined; bulk: boolean }

/** The part of some events that a client gets: `frame` has `count` events, and `counts` how many others there were by type. */
export type Portion = { frame: Buffer | undefined; count: number; counts: ReadonlyMap<string, number> }

const noCounts: ReadonlyMap<string, number> = new Map()

const countByType = (events: readonly RecordedEvent[]): ReadonlyMap<string, number> => {
  if (events.length === 0) return noCounts
  const counts = new Map<string, number>()
  for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1)
  return counts
}

/** Decides which events clients with the same rights and the same filters get. `key` is the same for all of them. */
export const createSelection = (audience: Audience, { type, subject, bulk }: StreamQuery) => {
  const isWanted = (event: RecordedEvent): boolean =>
    (subject === undefined || event.subject === subject) &&
    (type === undefined || matchesType(type, event.type)) &&
    isVisible(event, audience)
  return {
    key: JSON.stringify([audience.isAdmin || audience.userId, type?.toSorted(), subject, bulk]),
    portionOf: (events: readonly RecordedEvent[]): Portion => {
      const wanted = events.filter(isWanted)
      const told = bulk ? wanted : wanted.filter(({ isBulk }) => !isBulk)
      const counted = bulk ? [] : wanted.filter(({ isBulk }) => isBulk)
      return { frame: joinFrames(told.map(({ frame }) => frame)), count: told.length, counts: countByType(counted) }
    },
  }
}
export type Selection = ReturnType<typeof createSelection>

const maxSlice = { events: 100, bytes: 65_536 }

/** Cuts events into parts that are small enough to be written at once. */
export const slicesOf = (events: readonly RecordedEvent[]): RecordedEvent[][] => {
  const slices: RecordedEvent[][] = []
  let bytes = 0
  for (const event of events) {
    const current = slices.at(-1)
    bytes += event.frame.length
    if (current && current.length < maxSlice.events && bytes <= maxSlice.bytes) current.push(event)
    else {
      slices.push([event])
      bytes = event.frame.length
    }
  }
  return slices
}
