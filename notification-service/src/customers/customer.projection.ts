import type { CustomerEventData } from '@clientele/contracts/customer'
import { databaseTime } from '@clientele/platform/data/database-time'
import type { Db, Tx } from '@clientele/platform/data/db'
import { upsertIfNewer } from '@clientele/platform/data/projection'
import { literal, Op } from 'sequelize'
import type { Notifications } from '../notifications/notification.model.ts'
import type { CustomerRow, Customers } from './customer.model.ts'

type Deps = { db: Db; customers: Customers; notifications: Notifications }

// A purge is final: later events of the customer are ignored.
const upsertOptions = { final: (row: string) => `${row}.purged` }

const noPersonalData = { name: null, phone: null, email: null, locale: null }

const deleteReports = `delete from delivery_reports where recipient in
  (select recipient from notifications where customer_id = $1 and recipient is not null)`

export type CustomerProjection = ReturnType<typeof createCustomerProjection>

/** The customers that messages go to, kept by the events of customer-service. */
export const createCustomerProjection = ({ db, customers, notifications }: Deps) => {
  const store = (row: CustomerRow, tx: Tx): Promise<boolean> => upsertIfNewer(customers, row, tx, upsertOptions)

  return {
    upsertIfNewer: async ({ id, version, ...customer }: CustomerEventData, tx: Tx): Promise<void> => {
      const { name, phone, email, locale, smsOptOut, deletedAt } = customer
      await store(
        { id, name, phone, email, locale, smsOptOut, deleted: deletedAt !== null, purged: false, version },
        tx,
      )
    },

    /** Removes the customer's personal data, also from notifications and delivery reports. */
    purge: async ({ id, version }: CustomerEventData, tx: Tx): Promise<void> => {
      await store({ id, ...noPersonalData, smsOptOut: true, deleted: true, purged: true, version }, tx)
      await db.query(deleteReports, [id], { tx })
      await notifications.update(
        { to: null, updatedAt: databaseTime(), version: literal('version + 1') },
        { where: { customerId: id, to: { [Op.ne]: null } }, transaction: tx },
      )
    },
  }
}
