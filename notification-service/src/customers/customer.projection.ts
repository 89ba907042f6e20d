import type { CustomerEventData } from '@clientele/contracts/customer'
import { databaseTime } from '@clientele/platform/data/database-time'
import type { Db, Tx } from '@clientele/platform/data/db'
import { upsertIfNewer } from '@clientele/platform/data/projection'
import { literal, Op } from 'sequelize'
import type { Notifications } from '../notifications/notification.model.ts'
import type { CustomerRow, Customers } from './customer.model.ts'

type Deps = { db: Db; customers: Customers; notifications: Notifications }

// A purge is final, whatever comes after it.
const options = { final: (row: string) => `${row}.purged` }

const nothingKnown = { name: null, phone: null, email: null, locale: null }

const deleteReports = `delete from delivery_reports where recipient in
  (select recipient from notifications where customer_id = $1 and recipient is not null)`

export type CustomerProjection = ReturnType<typeof createCustomerProjection>

/** Customers as the events of customer-service describe them. */
export const createCustomerProjection = ({ db, customers, notifications }: Deps) => {
  const store = (row: CustomerRow, tx: Tx): Promise<boolean> => upsertIfNewer(customers, row, tx, options)

  return {
    upsertIfNewer: async ({ id, version, ...customer }: CustomerEventData, tx: Tx): Promise<void> => {
      const { name, phone, email, locale, smsOptOut, deletedAt } = customer
      await store(
        { id, name, phone, email, locale, smsOptOut, deleted: deletedAt !== null, purged: false, version },
        tx,
      )
    },

    /** Removes what is known of the person, also from what was sent to them. */
    purge: async ({ id, version }: CustomerEventData, tx: Tx): Promise<void> => {
      await store({ id, ...nothingKnown, smsOptOut: true, deleted: true, purged: true, version }, tx)
      await db.query(deleteReports, [id], { tx })
      await notifications.update(
        { to: null, updatedAt: databaseTime(), version: literal('version + 1') },
        { where: { customerId: id, to: { [Op.ne]: null } }, transaction: tx },
      )
    },
  }
}
