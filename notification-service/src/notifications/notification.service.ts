import type { Include } from '@clientele/contracts/customer-ref'
import type { Notification, NotificationWithText } from '@clientele/contracts/notification'
import type { Page } from '@clientele/contracts/page'
import { createCustomerInclusion, withCustomer } from '@clientele/features/customers/customer-inclusion'
import type { CustomerReader } from '@clientele/features/customers/customer-reader'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import { afterCommit } from '@clientele/platform/data/transaction'
import { Problem } from '@clientele/platform/runtime/problem'
import type { WakeSignal } from '@clientele/platform/runtime/wake-signal'
import type { CustomerProjection } from '../customers/customer.projection.ts'
import { notificationList } from './notification.list.ts'
import { type Content, type NotificationRow, type Notifications, orderCancelledReason } from './notification.model.ts'
import { presentNotification, presentWithText } from './notification.presenter.ts'
import type { NotificationWriter } from './notification.writer.ts'

type Deps = {
  db: Db
  notifications: Notifications
  customers: CustomerProjection
  writer: NotificationWriter
  customerReader: CustomerReader
  wakeSignal: WakeSignal
}
export type NewNotification = {
  template: string
  orderId: string
  customerId: string | null
  authorId: string
  content: Content
}

const notFound = () => new Problem('not_found', { detail: 'notification not found' })

export type NotificationService = ReturnType<typeof createNotificationService>

/** Queues and lists notifications. `wakeSignal` wakes the sender after the commit of a queued notification. */
export const createNotificationService = ({
  db,
  notifications,
  customers,
  customerReader,
  writer,
  wakeSignal,
}: Deps) => {
  const includeCustomers = createCustomerInclusion(customerReader)

  /** Reads the customers of rows in one query. @returns a function that finds the customer of a row */
  const findCustomers = async (rows: readonly Pick<NotificationRow, 'customerId'>[], tx?: Tx) => {
    const ids = rows.flatMap(({ customerId }) => customerId ?? [])
    const shown = await customers.findShown(ids, tx)
    return ({ customerId }: Pick<NotificationRow, 'customerId'>) => shown.get(customerId ?? '')
  }

  return {
    /** Queues a message. An order gets at most one message per template, so repeated calls do nothing. */
    queue: async (notification: NewNotification, tx: Tx): Promise<void> => {
      await notifications.bulkCreate([{ ...notification, id: newId() }], { ignoreDuplicates: true, transaction: tx })
      afterCommit(tx, () => wakeSignal.notify())
    },

    /**
     * Cancels the message about an order. It is skipped, unless it was sent before. If an attempt is running, its outcome decides.
     * If the event of the order arrives only after this one, the message is there already and stays skipped.
     */
    cancel: async (notification: NewNotification, tx: Tx): Promise<void> => {
      const cancelled = { ...notification, id: newId(), orderCancelled: true }
      await notifications.bulkCreate([cancelled], { ignoreDuplicates: true, transaction: tx })
      const { orderId, template } = notification
      const row = await notifications.findOne({ where: { orderId, template }, transaction: tx, lock: tx.LOCK.UPDATE })
      if (!row) throw new Error(`order ${orderId} has no notification`)
      const isWaiting = row.status === 'queued' && row.claimedUntil === null
      await notifications.update({ orderCancelled: true }, { where: { id: row.id }, transaction: tx })
      if (isWaiting) await writer.change(row.id, { status: 'skipped', reason: orderCancelledReason, dueInMs: null }, tx)
    },

    list: async (query: Record<string, unknown>, actor: Actor, include?: Include): Promise<Page<Notification>> => {
      const { rows, page } = await notificationList.run(db, query, { actor })
      const [customerOf, whole] = await Promise.all([findCustomers(rows), includeCustomers(include, rows, actor)])
      const data = rows.map((row) => withCustomer(presentNotification(row, customerOf(row), actor), whole))
      return { data, page }
    },

    get: async (id: string, actor: Actor, include?: Include): Promise<NotificationWithText> => {
      const row = await notifications.findByPk(id)
      if (!row) throw notFound()
      const [customerOf, whole] = await Promise.all([findCustomers([row]), includeCustomers(include, [row], actor)])
      return withCustomer(presentWithText(row, customerOf(row), actor), whole)
    },

    /**
     * Queues a failed or skipped notification again. It keeps its provider's message id until the next attempt gets a new one, so
     * a late report that the first message was delivered still counts.
     * @throws Problem 404; 409 in another status, and if the order was cancelled
     */
    retry: (id: string, actor: Actor): Promise<Notification> =>
      db.transaction(async (tx) => {
        const row = await writer.lock(id, tx)
        if (!row) throw notFound()
        if (row.status !== 'failed' && row.status !== 'skipped')
          throw new Problem('invalid_state', {
            detail: `only a failed or skipped notification can be sent again; this one is ${row.status}`,
          })
        if (row.orderCancelled)
          throw new Problem('invalid_state', { detail: 'the order was cancelled, so its confirmation is not sent' })
        const change = {
          status: 'queued',
          reason: null,
          fallbackReason: null,
          failures: 0,
          dueInMs: 0,
          requeued: true,
        } as const
        const next = await writer.change(id, change, tx)
        afterCommit(tx, () => wakeSignal.notify())
        const customerOf = await findCustomers([next], tx)
        return presentNotification(next, customerOf(next), actor)
      }),
  }
}
