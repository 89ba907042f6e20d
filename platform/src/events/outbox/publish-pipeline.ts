import type { ConfirmChannel } from 'amqplib'
import type { Db } from '../../data/db.ts'
import type { Bell } from '../../runtime/wake-signal.ts'
import { type Outcome, publishAll } from '../broker.ts'
import { messageOf, type OutboxLease, type Row, withFirstRows, withLease } from './outbox-rows.ts'

/** What the relay needs to publish. `source` is the CloudEvents source; `confirmMs` bounds the wait for the broker. */
export type RelayContext = { db: Db; channel: ConfirmChannel; source: string; confirmMs: number }

/** What became of events: the types of those confirmed, with their seconds in the outbox, and of those that no queue takes. */
export type Published = { confirmed: string[]; returned: string[]; refused: number; ages: number[] }

/** `more`: there is more to claim now; `elsewhere`: so many partitions with events are relayed by another process. */
export type Pass = Published & { more: boolean; elsewhere: number }

/** A batch that was sent; `done` never rejects. */
type InFlightBatch = {
  rows: Row[]
  done: Promise<void>
  /** Seconds until the broker had confirmed or returned all of it. */
  seconds: number
  outcomes?: Outcome[]
  error?: unknown
}

const maxBatches = 3
const maxEvents = 4_000
const maxMs = 100

const publishBatch = ({ channel, source, confirmMs }: RelayContext, rows: Row[], bell: Bell): InFlightBatch => {
  const messages = rows.map((row) => messageOf(row, source))
  const sentAt = performance.now()
  const batch: InFlightBatch = {
    rows,
    seconds: 0,
    done: publishAll(channel, messages, confirmMs)
      .then(
        (outcomes) => {
          batch.outcomes = outcomes
          batch.seconds = (performance.now() - sentAt) / 1000
        },
        (error: unknown) => {
          batch.error = error
        },
      )
      .finally(bell.nudge),
  }
  return batch
}

const isSettled = ({ outcomes, error }: InFlightBatch): boolean => outcomes !== undefined || error !== undefined

const createResults = () => {
  const rows: Record<Outcome, Row[]> = { confirmed: [], returned: [], refused: [] }
  const ages: number[] = []
  return {
    rows,
    ages,
    /** @throws the error of a batch that failed */
    collect: (batch: InFlightBatch): void => {
      if (batch.error !== undefined) throw batch.error
      for (const [index, row] of batch.rows.entries()) {
        const outcome = batch.outcomes?.[index] ?? 'refused'
        rows[outcome].push(row)
        if (outcome === 'confirmed') ages.push(row.age + batch.seconds)
      }
    },
  }
}

/**
 * Publishes what waits, in order within a partition, and what is committed meanwhile. Up to three batches are in flight: the
 * next is sent before the broker has confirmed the former. Rows leave the table for good only once they are confirmed.
 *
 * Each round of the loop does one of three things:
 * - *claim*: there may be more rows and a batch may still be sent: take the next rows and send them;
 * - *wait*: batches are in flight: wait until one settles, or, if more may be sent, until a commit wakes the relay;
 * - *end*: nothing is in flight and nothing more is to be sent.
 *
 * Nothing more is sent once the relay stops, a queue refused an event, or the pass has sent 4,000 events or lasted 100 ms: the
 * transaction that holds the partitions stays short.
 * @param bulkOfPart how many bulk events of each partition may be published too
 */
export const relayWaiting = (
  context: RelayContext,
  bulkOfPart: number,
  bell: Bell,
  isStopping: () => boolean,
): Promise<Pass> =>
  withFirstRows(context.db, bulkOfPart, async (lease, first): Promise<Pass> => {
    const inFlight: InFlightBatch[] = []
    const results = createResults()
    const until = Date.now() + maxMs
    let claimed = 0
    let { full: more, elsewhere } = first

    const send = (rows: Row[]): void => {
      claimed += rows.length
      if (rows.length > 0) inFlight.push(publishBatch(context, rows, bell))
    }
    const claim = async (): Promise<void> => {
      const next = await lease.claim()
      more = next.full
      elsewhere = next.elsewhere
      send(next.rows)
    }
    const collectSettled = (): void => {
      for (let [batch] = inFlight; batch && isSettled(batch); [batch] = inFlight) {
        inFlight.shift()
        results.collect(batch)
      }
    }
    const maySend = (): boolean =>
      !isStopping() &&
      results.rows.refused.length === 0 &&
      claimed < maxEvents &&
      Date.now() < until &&
      inFlight.length < maxBatches

    send(first.rows)
    for (;;) {
      collectSettled()
      const open = maySend()
      if (open && (bell.rang() || more)) await claim()
      else if (inFlight[0]) await (open ? bell.wait(maxMs) : inFlight[0].done)
      else break
    }
    return { ...(await putBackUnconfirmed(lease, results.rows)), ages: results.ages, more, elsewhere }
  })

const putBackUnconfirmed = async (
  lease: OutboxLease,
  { confirmed, returned, refused }: Record<Outcome, Row[]>,
): Promise<Omit<Published, 'ages'>> => {
  await lease.putBack(returned, true)
  await lease.putBack(refused, false)
  const types = (rows: Row[]) => rows.map(({ type }) => type)
  return { confirmed: types(confirmed), returned: types(returned), refused: refused.length }
}

/**
 * Publishes the oldest event of a type that was returned before.
 * @returns whether it was confirmed, or undefined if there was none to try
 */
export const relayReturned = (context: RelayContext, type: string): Promise<boolean | undefined> =>
  withLease(context.db, async (lease) => {
    const row = await lease.claimReturned(type)
    if (!row) return undefined
    const [outcome] = await publishAll(context.channel, [messageOf(row, context.source)], context.confirmMs)
    if (outcome !== 'confirmed') await lease.putBack([row], true)
    return outcome === 'confirmed'
  })
