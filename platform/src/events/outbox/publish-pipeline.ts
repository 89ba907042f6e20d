import type { ConfirmChannel } from 'amqplib'
import type { Db } from '../../data/db.ts'
import type { WakeSignal } from '../../runtime/wake-signal.ts'
import { type Outcome, publishAll } from '../broker.ts'
import { messageOf, type OutboxLease, type Row, withFirstClaim, withLease } from './outbox-rows.ts'

/**
 * The parts of a relay that publishing uses. `source` is the CloudEvents source, and `account` the account at the broker;
 * `confirmMs` is the timeout of a confirm.
 */
export type RelayContext = {
  db: Db
  channel: ConfirmChannel
  source: string
  account: string | undefined
  confirmMs: number
}

/**
 * The result of publishing. `confirmed` and `unroutable` list event types; `ages` are the seconds of confirmed events in the
 * outbox.
 */
export type PublishResult = { confirmed: string[]; unroutable: string[]; rejected: number; ages: number[] }

/**
 * The result of a pass over the outbox. `more`: there are further events to claim now. `lockedElsewhere`: the number of partitions
 * with events that another process relays now.
 */
export type PassResult = PublishResult & { more: boolean; lockedElsewhere: number }

/** A batch that has been sent. `done` never rejects. */
type InFlightBatch = {
  rows: Row[]
  done: Promise<void>
  /** Seconds until the broker has confirmed or returned every message. */
  seconds: number
  outcomes?: Outcome[]
  error?: unknown
}

// Limits of one pass.
const maxBatchesInFlight = 3
const maxEventsPerPass = 4_000
const maxPassMs = 100

const publishBatch = (
  { channel, source, account, confirmMs }: RelayContext,
  rows: Row[],
  wakeSignal: WakeSignal,
): InFlightBatch => {
  const messages = rows.map((row) => messageOf(row, source, account))
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
      .finally(wakeSignal.cancelWait),
  }
  return batch
}

const isSettled = ({ outcomes, error }: InFlightBatch): boolean => outcomes !== undefined || error !== undefined

const createResults = () => {
  const rows: Record<Outcome, Row[]> = { confirmed: [], returned: [], rejected: [] }
  const ages: number[] = []
  return {
    rows,
    ages,
    /** @throws the error of a batch that failed */
    collect: (batch: InFlightBatch): void => {
      if (batch.error !== undefined) throw batch.error
      for (const [index, row] of batch.rows.entries()) {
        const outcome = batch.outcomes?.[index] ?? 'rejected'
        rows[outcome].push(row)
        if (outcome === 'confirmed') ages.push(row.age + batch.seconds)
      }
    },
  }
}

/**
 * Publishes waiting events, and those that are committed meanwhile, in order within a partition. Up to three batches are in
 * flight: the next is sent before the broker has confirmed the previous one. The transaction that deletes the rows commits only
 * after the broker has confirmed them.
 *
 * Each iteration of the loop does one of three things:
 * - *claim*: there may be more rows, and a batch may still be sent. Claim the next rows and send them.
 * - *wait*: batches are in flight. Wait until one settles or, if another batch may be sent, until a commit wakes the relay.
 * - *end*: nothing is in flight, and nothing more is to be sent.
 *
 * To keep the transaction that locks the partitions short, nothing more is sent once the relay stops, a queue has rejected an
 * event, or the pass has sent 4,000 events or lasted 100 ms.
 * @param maxBulkPerPartition how many bulk events of each partition may be published as well
 */
export const relayPending = (
  context: RelayContext,
  maxBulkPerPartition: number,
  wakeSignal: WakeSignal,
  isStopping: () => boolean,
): Promise<PassResult> =>
  withFirstClaim(context.db, maxBulkPerPartition, async (lease, first): Promise<PassResult> => {
    const inFlight: InFlightBatch[] = []
    const results = createResults()
    const deadline = Date.now() + maxPassMs
    let claimed = 0
    let { more, lockedElsewhere } = first

    const send = (rows: Row[]): void => {
      claimed += rows.length
      if (rows.length > 0) inFlight.push(publishBatch(context, rows, wakeSignal))
    }
    const claim = async (): Promise<void> => {
      const next = await lease.claim()
      more = next.more
      lockedElsewhere = next.lockedElsewhere
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
      results.rows.rejected.length === 0 &&
      claimed < maxEventsPerPass &&
      Date.now() < deadline &&
      inFlight.length < maxBatchesInFlight

    send(first.rows)
    for (;;) {
      collectSettled()
      const canSend = maySend()
      if (canSend && (wakeSignal.consume() || more)) await claim()
      else if (inFlight[0]) await (canSend ? wakeSignal.wait(maxPassMs) : inFlight[0].done)
      else break
    }
    return { ...(await putBackUnconfirmed(lease, results.rows)), ages: results.ages, more, lockedElsewhere }
  })

const putBackUnconfirmed = async (
  lease: OutboxLease,
  { confirmed, returned, rejected }: Record<Outcome, Row[]>,
): Promise<Omit<PublishResult, 'ages'>> => {
  await lease.putBack(returned, true)
  await lease.putBack(rejected, false)
  const types = (rows: Row[]) => rows.map(({ type }) => type)
  return { confirmed: types(confirmed), unroutable: types(returned), rejected: rejected.length }
}

/**
 * Publishes the oldest unroutable event of a type again.
 * @returns whether it was confirmed; undefined if there is no such event
 */
export const relayUnroutable = (context: RelayContext, type: string): Promise<boolean | undefined> =>
  withLease(context.db, async (lease) => {
    const row = await lease.claimUnroutable(type)
    if (!row) return undefined
    const [outcome] = await publishAll(
      context.channel,
      [messageOf(row, context.source, context.account)],
      context.confirmMs,
    )
    if (outcome !== 'confirmed') await lease.putBack([row], true)
    return outcome === 'confirmed'
  })
