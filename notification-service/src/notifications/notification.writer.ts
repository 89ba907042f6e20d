import {
  type NotificationStatus,
  notificationDelivered,
  notificationFailed,
  notificationSent,
  notificationSkipped,
} from '@clientele/contracts/notification'
import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import { databaseTime, secondsFromNow } from '@clientele/platform/data/database-time'
import type { Tx } from '@clientele/platform/data/db'
import { afterCommit } from '@clientele/platform/data/transaction'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { counter } from '@clientele/platform/runtime/telemetry'
import { literal } from 'sequelize'
import type { NotificationModel, NotificationRow, Notifications } from './notification.model.ts'
import { presentEventData } from './notification.presenter.ts'

const actor = actorRef(systemActor('notification-service'))
const events = {
  queued: undefined,
  sent: notificationSent,
  delivered: notificationDelivered,
  failed: notificationFailed,
  skipped: notificationSkipped,
} as const

type Settable = Omit<NotificationRow, 'id' | 'dueAt' | 'claimedUntil' | 'queuedAt' | 'updatedAt' | 'version'>
/**
 * A change of a notification. `dueInMs`: the time until the next attempt, null for none. `claimMs`: the lease of the attempt that
 * starts now, null to end the lease. `requeued`: restarts the waiting time. Times are computed by the database, because the clocks
 * of processes differ.
 */
export type Change = Partial<Settable> & { dueInMs?: number | null; claimMs?: number | null; requeued?: true }

const dueTime = (ms: number | null) => (ms === null ? null : secondsFromNow(ms / 1000))

const valuesOf = ({ dueInMs, claimMs, requeued, ...fields }: Change) => ({
  ...fields,
  ...(dueInMs !== undefined && { dueAt: dueTime(dueInMs) }),
  ...(claimMs !== undefined && { claimedUntil: dueTime(claimMs) }),
  ...(requeued && { queuedAt: databaseTime() }),
  updatedAt: databaseTime(),
  version: literal('version + 1'),
})

export type NotificationWriter = ReturnType<typeof createNotificationWriter>

/** Writes changes of notifications with their events, in the caller's transaction, which has locked the row. */
export const createNotificationWriter = (notifications: Notifications) => {
  const changes = counter('notifications_total', 'Changes of notifications', ['status', 'provider'])

  return {
    lock: (id: string, tx: Tx): Promise<NotificationModel | null> =>
      notifications.findByPk(id, { transaction: tx, lock: tx.LOCK.UPDATE }),

    /** Postpones the next attempt. The version stays and no event is published. */
    postpone: async (id: string, ms: number, tx: Tx): Promise<void> => {
      await notifications.update({ dueAt: dueTime(ms) }, { where: { id }, transaction: tx })
    },

    /** Writes a change. If it sets a status that has an event, the event is published. */
    change: async (id: string, change: Change, tx: Tx): Promise<NotificationRow> => {
      const [, [row]] = await notifications.update(valuesOf(change), {
        where: { id },
        returning: true,
        transaction: tx,
      })
      if (!row) throw new Error(`notification ${id} not found`)
      const status: NotificationStatus | undefined = change.status
      const event = status && events[status]
      if (!event) return row
      await outbox.add(tx, event.of(presentEventData(row), actor))
      afterCommit(tx, () => changes.inc({ status: row.status, provider: row.provider ?? 'none' }))
      return row
    },
  }
}
