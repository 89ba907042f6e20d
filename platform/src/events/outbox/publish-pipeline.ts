import type { ConfirmChannel } from 'amqplib'
import type { Db } from '../../data/db.ts'
import type { Bell } from '../../runtime/wake-signal.ts'
import { type Outcome, publishAll } from '../broker.ts'
import { messageOf, type Row, withHand, withRows } from './outbox-rows.ts'

/** What events need to leave. */
export type Way = { db: Db; channel: ConfirmChannel; source: string; confirmMs: number }

/** What became of events: types of those that left, with the seconds that took, and of those that no queue takes. */
export type Drained = { confirmed: string[]; returned: string[]; refused: number; ages: number[] }

/** Events under way; `done` never rejects. */
type Flight = {
  rows: Row[]
  done: Promise<void>
  /** Seconds from taking to the broker's word. */
  took: number
  outcomes?: Outcome[]
  error?: unknown
}

const mostFlights = 3
const mostEvents = 4_000
const longestMs = 100

/**
 * Publishes what waits, in order within a partition, and what is committed meanwhile: it does not wait for the broker's word
 * on the former events before it sends the next. Rows leave the table for good only after that word.
 * @param bulkOfPart so many events in bulk may leave as well, of each partition
 * @returns `more`: there is more to take now; `elsewhere`: so many partitions with events are relayed by another process
 */
export const relayWaiting = (way: Way, bulkOfPart: number, bell: Bell, ending: () => boolean) =>
  withRows(way.db, bulkOfPart, async (hand, first): Promise<Drained & { more: boolean; elsewhere: number }> => {
    const flights: Flight[] = []
    const landed: Landed = { confirmed: [], returned: [], refused: [] }
    const ages: number[] = []
    const until = Date.now() + longestMs
    let taken = first.rows.length
    let { full: more, elsewhere } = first
    if (taken > 0) flights.push(depart(way, first.rows, bell))
    for (;;) {
      while (flights[0] && hasLanded(flights[0])) sort(flights.shift(), landed, ages)
      const open = !ending() && landed.refused.length === 0 && taken < mostEvents && Date.now() < until
      const place = flights.length < mostFlights
      if (open && place && (bell.rang() || more)) {
        const now = await hand.take()
        ;({ full: more, elsewhere } = now)
        taken += now.rows.length
        if (now.rows.length > 0) flights.push(depart(way, now.rows, bell))
      } else if (flights[0]) await (open && place ? bell.wait(longestMs) : flights[0].done)
      else break
    }
    await hand.giveBack(landed.returned, true)
    await hand.giveBack(landed.refused, false)
    const types = (rows: Row[]) => rows.map(({ type }) => type)
    const { confirmed, returned, refused } = landed
    return { confirmed: types(confirmed), returned: types(returned), refused: refused.length, ages, more, elsewhere }
  })

const depart = ({ channel, source, confirmMs }: Way, rows: Row[], bell: Bell): Flight => {
  const messages = rows.map((row) => messageOf(row, source))
  const departedAt = performance.now()
  const flight: Flight = {
    rows,
    took: 0,
    done: publishAll(channel, messages, confirmMs)
      .then(
        (outcomes) => {
          flight.outcomes = outcomes
          flight.took = (performance.now() - departedAt) / 1000
        },
        (error: unknown) => {
          flight.error = error
        },
      )
      .finally(bell.nudge),
  }
  return flight
}

const hasLanded = ({ outcomes, error }: Flight): boolean => outcomes !== undefined || error !== undefined

type Landed = Record<Outcome, Row[]>

/** @throws what became of a flight that did not arrive */
const sort = (flight: Flight | undefined, landed: Landed, ages: number[]): void => {
  if (flight?.error !== undefined) throw flight.error
  if (!flight) return
  for (const [index, row] of flight.rows.entries()) {
    const outcome = flight.outcomes?.[index] ?? 'refused'
    landed[outcome].push(row)
    if (outcome === 'confirmed') ages.push(row.age + flight.took)
  }
}

/** Publishes the oldest event of a type that was returned before. @returns whether it left, or undefined if there was none to try */
export const relayReturned = (way: Way, type: string): Promise<boolean | undefined> =>
  withHand(way.db, async (hand) => {
    const row = await hand.takeReturned(type)
    if (!row) return undefined
    const [outcome] = await publishAll(way.channel, [messageOf(row, way.source)], way.confirmMs)
    if (outcome !== 'confirmed') await hand.giveBack([row], true)
    return outcome === 'confirmed'
  })
