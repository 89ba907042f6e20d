import { newId } from '@clientele/platform/data/db'
import type { Outcome } from '../requests/sender.ts'
import type { Health } from './health.ts'
import type { Attempted, Progress, ProgressStore } from './progress.store.ts'
import type { Waiting } from './waiting.ts'
import type { Item } from './window.ts'

type Deps = { webhookId: string; leasedBy: string; store: ProgressStore; health: Health; waiting: Waiting }
type Batch = { attempted: Attempted[]; deferred: Item[]; ended: number[]; since: number }

const newBatch = (): Batch => ({ attempted: [], deferred: [], ended: [], since: performance.now() })
const sizeOf = ({ attempted, deferred, ended }: Batch): number => attempted.length + deferred.length + ended.length

/** Collects what became of events, and writes it together. */
export const createOutcomes = ({ webhookId, leasedBy, store, health, waiting }: Deps) => {
  let batch = newBatch()

  const change = (work: () => void): void => {
    if (sizeOf(batch) === 0) batch.since = performance.now()
    work()
  }
  const end = (seq: number): void => {
    if (waiting.remove(seq)) batch.ended.push(seq)
  }

  return {
    /** How many events are not written yet, and how long the first of them has been waiting. */
    pending: (): { count: number; ageMs: number } => ({
      count: sizeOf(batch),
      ageMs: performance.now() - batch.since,
    }),
    /** The `seq` of the events that are not written yet. */
    unwritten: (): number[] => [
      ...batch.attempted.map(({ item }) => item.seq),
      ...batch.deferred.map(({ seq }) => seq),
      ...batch.ended,
    ],
    /** Records an attempt. @returns whether the webhook was failing and has recovered */
    record: (item: Item, outcome: Outcome): boolean => {
      const hasFailed = outcome.error !== null
      const hasRecovered = !hasFailed && health.succeed(outcome.at)
      if (hasFailed) health.fail(outcome.at)
      const nextInMs = hasFailed ? health.retryInMs(item.attempts, outcome) : null
      change(() => {
        batch.attempted.push({ id: newId(), item, outcome, nextInMs })
        if (nextInMs === null) end(item.seq)
        else waiting.add(item.seq, item.event.subject)
      })
      return hasRecovered
    },
    /** Lets an event wait behind an earlier one of its subject. */
    defer: (item: Item): void =>
      change(() => {
        batch.deferred.push(item)
        waiting.add(item.seq, item.event.subject)
      }),
    /** Gives up events that are not kept any more. */
    drop: (seqs: readonly number[]): void =>
      change(() => {
        for (const seq of seqs) {
          waiting.remove(seq)
          batch.ended.push(seq)
        }
      }),
    /** @returns whether it was written; it is not if the webhook belongs to another replica now */
    write: async (cursors: Pick<Progress, 'live' | 'replay'>): Promise<boolean> => {
      const written = batch
      batch = newBatch()
      try {
        const { attempted, deferred, ended } = written
        return await store.write(webhookId, leasedBy, { ...cursors, ...health.state(), attempted, deferred, ended })
      } catch (error) {
        batch = {
          attempted: [...written.attempted, ...batch.attempted],
          deferred: [...written.deferred, ...batch.deferred],
          ended: [...written.ended, ...batch.ended],
          since: written.since,
        }
        throw error
      }
    },
  }
}
