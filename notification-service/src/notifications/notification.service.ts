import type { Notification } from '@clientele/contracts/notification'
import type { Page } from '@clientele/contracts/page'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import { afterCommit } from '@clientele/platform/data/transaction'
import { Problem } from '@clientele/platform/runtime/problem'
import type { Bell } from '@clientele/platform/runtime/wake-signal'
import { notificationList } from './notification.list.ts'
import type { Content, Notifications } from './notification.model.ts'
import { presentNotification } from './notification.presenter.ts'
import type { Writer } from './notification.writer.ts'

type Deps = { db: Db; notifications: Notifications; writer: Writer; bell: Bell }
type NewNotification = { template: string; orderId: string; customerId: string | null; content: Content }

const notFound = () => new Problem('not_found', { detail: 'there is no such notification' })

export type NotificationService = ReturnType<typeof createNotificationService>

/** `bell` wakes the sender once what it is to send is committed. */
export const createNotificationService = ({ db, notifications, writer, bell }: Deps) => ({
  /** Queues a message; there is one of a template for an order, whatever happens. */
  queue: async (notification: NewNotification, tx: Tx): Promise<void> => {
    await notifications.bulkCreate([{ ...notification, id: newId() }], { ignoreDuplicates: true, transaction: tx })
    afterCommit(tx, () => bell.ring())
  },

  list: async (query: Record<string, unknown>, actor: Actor): Promise<Page<Notification>> => {
    const { rows, page } = await notificationList.run(db, query, { actor })
    return { data: rows.map((row) => presentNotification(row, actor)), page }
  },

  get: async (id: string, actor: Actor): Promise<Notification> => {
    const row = await notifications.findByPk(id)
    if (!row) throw notFound()
    return presentNotification(row, actor)
  },

  /**
   * Sends once more what failed or was skipped. The last message's id stays until there is another: a report that it arrived
   * after all ends the matter.
   */
  retry: (id: string, actor: Actor): Promise<Notification> =>
    db.transaction(async (tx) => {
      const row = await writer.lock(id, tx)
      if (!row) throw notFound()
      if (row.status !== 'failed' && row.status !== 'skipped')
        throw new Problem('invalid_state', {
          detail: `only what failed or was skipped is sent again; it is ${row.status}`,
        })
      const again = { status: 'queued', reason: null, failures: 0, dueInMs: 0, requeued: true } as const
      const next = await writer.change(id, again, tx)
      afterCommit(tx, () => bell.ring())
      return presentNotification(next, actor)
    }),
})
