import {
  notificationDelivered,
  notificationFailed,
  notificationSent,
  notificationSkipped,
} from '@clientele/contracts/notification'
import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { afterCommit } from '@clientele/platform/data/transaction'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { counter } from '@clientele/platform/runtime/telemetry'
import { type NotificationRow, notificationColumns, selected } from './notification.model.ts'
import { presentEvent } from './notification.presenter.ts'

const actor = actorRef(systemActor('notification-service'))
const events = {
  queued: undefined,
  sent: notificationSent,
  delivered: notificationDelivered,
  failed: notificationFailed,
  skipped: notificationSkipped,
} as const

type Settable = Omit<NotificationRow, 'id' | 'claimedUntil' | 'updatedAt' | 'version'>
/**
 * What changes. `dueInMs`: so long until the next attempt, null for none. `claimMs`: an attempt is under way for so long at
 * most, null for none. The database's clock counts, since processes' clocks differ.
 */
export type Change = Partial<Settable> & { dueInMs?: number | null; claimMs?: number | null; requeued?: true }

const columnOf = (name: string): string => notificationColumns[name as keyof Settable]

const statementOf = ({ dueInMs, claimMs, requeued, ...fields }: Change) => {
  const values: unknown[] = []
  const bind = (value: unknown) => `$${values.push(value) + 1}`
  const later = (ms: number | null) => (ms === null ? 'null' : `now() + make_interval(secs => ${bind(ms / 1000)})`)
  const assignments = Object.entries(fields).map(([name, value]) => `${columnOf(name)} = ${bind(value)}`)
  if (dueInMs !== undefined) assignments.push(`due_at = ${later(dueInMs)}`)
  if (claimMs !== undefined) assignments.push(`claimed_until = ${later(claimMs)}`)
  if (requeued) assignments.push('queued_at = now()')
  const set = [...assignments, 'updated_at = now()', 'version = version + 1'].join(', ')
  return { sql: `update notifications set ${set} where id = $1 returning ${selected}`, values }
}

const postpone = 'update notifications set due_at = now() + make_interval(secs => $2) where id = $1'

export type Writer = ReturnType<typeof createWriter>

/** Every change of a notification, with its event, in the caller's transaction, which has locked the row. */
export const createWriter = (db: Db) => {
  const changes = counter('notifications_total', 'Changes of notifications', ['status', 'provider'])

  return {
    lock: async (id: string, tx: Tx): Promise<NotificationRow | undefined> =>
      (
        await db.query<NotificationRow>(`select ${selected} from notifications where id = $1 for update`, [id], { tx })
      )[0],

    /** Looks at it again later; nothing that anybody sees changes. */
    postpone: async (id: string, ms: number, tx: Tx): Promise<void> => {
      await db.query(postpone, [id, ms / 1000], { tx, name: 'notification_postpone' })
    },

    /** An event goes out where the change names a status that has one. */
    change: async (id: string, change: Change, tx: Tx): Promise<NotificationRow> => {
      const { sql, values } = statementOf(change)
      const [row] = await db.query<NotificationRow>(sql, [id, ...values], { tx })
      if (!row) throw new Error('the notification to change is gone')
      const event = change.status && events[change.status]
      if (!event) return row
      await outbox.add(tx, event.of(presentEvent(row), actor))
      afterCommit(tx, () => changes.inc({ status: row.status, provider: row.provider ?? 'none' }))
      return row
    },
  }
}
