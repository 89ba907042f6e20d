import type { Db } from '@clientele/platform/data/db'
import { type NotificationRow, orderCancelledReason, outcomeUnknown } from '../notifications/notification.model.ts'
import type { Change, NotificationWriter } from '../notifications/notification.writer.ts'
import type { Outcome } from '../providers/provider.ts'
import type { Timing } from './timing.ts'

type Deps = { db: Db; writer: NotificationWriter; timing: Timing }

const ended = { dueInMs: null, claimMs: null } as const

export type Outcomes = ReturnType<typeof createOutcomes>

/** Records the outcomes of attempts. */
export const createOutcomes = ({ db, writer, timing }: Deps) => {
  const changeOf = (row: NotificationRow, outcome: Outcome): Change => {
    if (outcome.kind === 'accepted') {
      const { messageId: providerMessageId, cost } = outcome
      return { ...ended, status: 'sent', reason: null, providerMessageId, cost, sentAt: new Date() }
    }
    if (outcome.kind === 'unknown') return { ...ended, status: 'failed', reason: outcomeUnknown }
    const isNumberRejected = outcome.kind === 'rejected' && outcome.isNumberRejected === true
    if (outcome.kind === 'rejected' && !isNumberRejected) return { ...ended, status: 'failed', reason: outcome.reason }
    if (row.orderCancelled) return { ...ended, status: 'skipped', reason: orderCancelledReason }
    // The next claim sends an e-mail instead, or ends the message.
    if (isNumberRejected) {
      const { reason } = outcome
      return { status: 'queued', reason, fallbackReason: 'number_rejected', failures: 0, dueInMs: 0, claimMs: null }
    }
    const failures = row.failures + 1
    const dueInMs = timing.retryMs[row.failures]
    if (dueInMs === undefined) return { ...ended, status: 'failed', reason: 'gave_up', failures }
    return { status: 'queued', reason: outcome.reason, failures, dueInMs, claimMs: null }
  }

  // The outcome may still be recorded if no later attempt has started and no delivery report has decided it: the notification is
  // queued (still running, or requeued by an admin), or the cleanup has called its outcome unknown.
  const isUndecided = (row: NotificationRow, attempts: number): boolean =>
    row.attempts === attempts && (row.status === 'queued' || (row.status === 'failed' && row.reason === outcomeUnknown))

  return {
    /** @returns the row after the change; undefined if a later attempt or a delivery report has superseded the outcome */
    record: (id: string, attempts: number, outcome: Outcome): Promise<NotificationRow | undefined> =>
      db.transaction(async (tx) => {
        const row = await writer.lock(id, tx)
        if (!row || !isUndecided(row, attempts)) return undefined
        if (outcome.kind === 'unknown' && row.status === 'failed') return row
        return writer.change(id, changeOf(row, outcome), tx)
      }),

    /** Records an unknown outcome for an attempt whose lease has ended, if it still has none. */
    recordUnknown: (id: string, attempts: number): Promise<void> =>
      db.transaction(async (tx) => {
        const row = await writer.lock(id, tx)
        if (row?.attempts !== attempts || row.claimedUntil === null || row.status !== 'queued') return
        await writer.change(id, changeOf(row, { kind: 'unknown', reason: outcomeUnknown }), tx)
      }),
  }
}
