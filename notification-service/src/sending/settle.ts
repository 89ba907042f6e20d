import type { Db } from '@clientele/platform/data/db'
import { type NotificationRow, outcomeUnknown } from '../notifications/notification.model.ts'
import type { Change, Writer } from '../notifications/notification.writer.ts'
import type { Outcome } from '../providers/provider.ts'
import type { Timing } from './timing.ts'

type Deps = { db: Db; writer: Writer; timing: Timing }

const ended = { dueInMs: null, claimMs: null } as const

export type Settle = ReturnType<typeof createSettle>

/** Records how an attempt ended. */
export const createSettle = ({ db, writer, timing }: Deps) => {
  const changeOf = (row: NotificationRow, outcome: Outcome): Change => {
    if (outcome.kind === 'taken') {
      const { messageId: providerMessageId, cost } = outcome
      return { ...ended, status: 'sent', reason: null, providerMessageId, cost, sentAt: new Date() }
    }
    if (outcome.kind === 'unknown') return { ...ended, status: 'failed', reason: outcomeUnknown }
    if (outcome.kind === 'refused') return { ...ended, status: 'failed', reason: outcome.reason }
    const failures = row.failures + 1
    const dueInMs = timing.retryMs[row.failures]
    if (dueInMs === undefined) return { ...ended, status: 'failed', reason: 'gave_up', failures }
    return { status: 'queued', reason: outcome.reason, failures, dueInMs, claimMs: null }
  }

  // Whoever took the process for dead called the outcome unknown, or somebody asked for another attempt that has not begun:
  // what is known now counts for more. A report, or an attempt after this one, counts for more than this.
  const isOpen = (row: NotificationRow, attempts: number): boolean =>
    row.attempts === attempts && (row.status === 'queued' || (row.status === 'failed' && row.reason === outcomeUnknown))

  return {
    /** @returns the row as it is now; undefined where something else counts for more */
    record: (id: string, attempts: number, outcome: Outcome): Promise<NotificationRow | undefined> =>
      db.transaction(async (tx) => {
        const row = await writer.lock(id, tx)
        if (!row || !isOpen(row, attempts)) return undefined
        if (outcome.kind === 'unknown' && row.status === 'failed') return row
        return writer.change(id, changeOf(row, outcome), tx)
      }),

    /** Ends an attempt that nobody recorded the end of, if it is still under way. */
    giveUp: (id: string, attempts: number): Promise<void> =>
      db.transaction(async (tx) => {
        const row = await writer.lock(id, tx)
        if (row?.attempts !== attempts || row.claimedUntil === null || row.status !== 'queued') return
        await writer.change(id, changeOf(row, { kind: 'unknown', reason: outcomeUnknown }), tx)
      }),
  }
}
