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
import { presentEvent } from './notification.presenter.ts'

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
 * What changes. `dueInMs`: so long until the next attempt, null for none. `claimMs`: an attempt is under way for so long at
 * most, null for none. The database's clock counts, since processes' clocks differ.
 */
export type Change = Partial<Settable> & { dueInMs?: number | null; claimMs?: number | null; requeued?: true }

const later = (ms: number | null) => (ms === null ? null : secondsFromNow(ms / 1000))

const valuesOf = ({ dueInMs, claimMs, requeued, ...fields }: Change) => ({
  ...fields,
  ...(dueInMs !== undefined && { dueAt: later(dueInMs) }),
  ...(claimMs !== undefined && { claimedUntil: later(claimMs) }),
  ...(requeued && { queuedAt: databaseTime() }),
  updatedAt: databaseTime(),
  version: literal('version + 1'),
})

export type Writer = ReturnType<typeof createWriter>

/** Every change of a notification, with its event, in the caller's transaction, which has locked the row. */
export const createWriter = (notifications: Notifications) => {
  const changes = counter('notifications_total', 'Changes of notifications', ['status', 'provider'])

  return {
    lock: (id: string, tx: Tx): Promise<NotificationModel | null> =>
      notifications.findByPk(id, { transaction: tx, lock: tx.LOCK.UPDATE }),

    /** Looks at it again later; nothing that anybody sees changes. */
    postpone: async (id: string, ms: number, tx: Tx): Promise<void> => {
      await notifications.update({ dueAt: later(ms) }, { where: { id }, transaction: tx })
    },

    /** An event goes out where the change names a status that has one. */
    change: async (id: string, change: Change, tx: Tx): Promise<NotificationRow> => {
      const [, [row]] = await notifications.update(valuesOf(change), {
        where: { id },
        returning: true,
        transaction: tx,
      })
      if (!row) throw new Error('the notification to change is gone')
      const status: NotificationStatus | undefined = change.status
      const event = status && events[status]
      if (!event) return row
      await outbox.add(tx, event.of(presentEvent(row), actor))
      afterCommit(tx, () => changes.inc({ status: row.status, provider: row.provider ?? 'none' }))
      return row
    },
  }
}
