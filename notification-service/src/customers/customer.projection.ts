import type { CustomerEventData, CustomerState } from '@clientele/contracts/customer'
import { databaseTime } from '@clientele/platform/data/database-time'
import type { Db, Tx } from '@clientele/platform/data/db'
import { upsertAllIfNewer } from '@clientele/platform/data/projection'
import { literal } from 'sequelize'
import type { Notifications } from '../notifications/notification.model.ts'
import type { CustomerRow, Customers } from './customer.model.ts'
import { type ShownCustomer, shownAttributes } from './customer.presenter.ts'

type Deps = { db: Db; customers: Customers; notifications: Notifications }

// A purge is final: later events of the customer are ignored.
const upsertOptions = { final: (row: string) => `${row}.purged` }

/** What an event says of a customer. */
export type CustomerChange = { data: CustomerEventData; purged: boolean }

const noPersonalData = { code: null, name: null, surname: null, phone: null, email: null, locale: null }

const deleteReports = `delete from delivery_reports where recipient in
  (select recipient from notifications where customer_id = $1 and recipient is not null)`

const selectLacking = 'select exists (select from customers where code is null and not purged) as lacks'
// Another version comes with an event, which has the code.
const addCodes = `update customers set code = source.code, surname = source.surname
from unnest($1::uuid[], $2::integer[], $3::text[], $4::text[]) as source (id, version, code, surname)
where customers.id = source.id and customers.version = source.version and customers.code is null and not customers.purged`

const rowOf = ({ data, purged }: CustomerChange): CustomerRow => {
  const { id, version, code, name, surname, phone, email, locale, smsOptOut, deletedAt } = data
  if (purged) return { id, ...noPersonalData, smsOptOut: true, deleted: true, purged, version }
  return { id, code, name, surname, phone, email, locale, smsOptOut, deleted: deletedAt !== null, purged, version }
}

export type CustomerProjection = ReturnType<typeof createCustomerProjection>

/** The customers that messages go to, and that notifications show, kept by the events of customer-service. */
export const createCustomerProjection = ({ db, customers, notifications }: Deps) => {
  const eraseMessages = async (customerId: string, tx: Tx): Promise<void> => {
    await db.query(deleteReports, [customerId], { tx })
    await notifications.update(
      {
        to: null,
        subject: null,
        text: null,
        searchText: null,
        updatedAt: databaseTime(),
        version: literal('version + 1'),
      },
      { where: { customerId }, transaction: tx },
    )
  }

  return {
    /** Stores customers by their events. Of those that were purged, notifications and delivery reports lose personal data as well. */
    upsertIfNewer: async (changes: readonly CustomerChange[], tx: Tx): Promise<void> => {
      await upsertAllIfNewer(customers, changes.map(rowOf), tx, upsertOptions)
      for (const { data, purged } of changes) if (purged) await eraseMessages(data.id, tx)
    },

    /** Reads what notifications show of these customers, in one query. */
    findShown: async (ids: readonly string[], tx?: Tx): Promise<Map<string, ShownCustomer>> => {
      if (ids.length === 0) return new Map()
      const where = { id: [...new Set(ids)] }
      const options = { where, raw: true, transaction: tx ?? null }
      const found = await customers.findAll({ attributes: [...shownAttributes], ...options })
      return new Map(found.map((customer) => [customer.id, customer]))
    },

    /** Whether there are customers whose code was not stored, because an earlier release read them. */
    lacksCodes: async (): Promise<boolean> => (await db.query<{ lacks: boolean }>(selectLacking))[0]?.lacks === true,

    /** Adds the codes and surnames that are missing. */
    addCodes: async (states: readonly CustomerState[]): Promise<void> => {
      const columns = (['id', 'version', 'code', 'surname'] as const).map((name) => states.map((state) => state[name]))
      await db.query(addCodes, columns)
    },
  }
}
