import type { CustomerEventData } from '@clientele/contracts/customer'
import type { Db, Tx } from '@clientele/platform/data/db'

/** A customer as it is known here, in the database's own spelling. */
export type KnownCustomer = {
  id: string
  name: string | null
  phone: string | null
  email: string | null
  locale: string | null
  sms_opt_out: boolean
  deleted: boolean
  purged: boolean
}

// A purge is final, whatever comes after it.
const keepNewest = `insert into customers (id, name, phone, email, locale, sms_opt_out, deleted, purged, version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (id) do update set name = excluded.name, phone = excluded.phone, email = excluded.email,
  locale = excluded.locale, sms_opt_out = excluded.sms_opt_out, deleted = excluded.deleted, purged = excluded.purged,
  version = excluded.version
where not customers.purged and (excluded.purged or customers.version < excluded.version)`

const forgetReports = `delete from delivery_reports where recipient in
  (select recipient from notifications where customer_id = $1 and recipient is not null)`
const forgetAddresses = `update notifications set recipient = null, updated_at = now(), version = version + 1
where customer_id = $1 and recipient is not null`

export type KnownCustomers = ReturnType<typeof createKnownCustomers>

/** Customers as the events of customer-service tell of them. */
export const createKnownCustomers = (db: Db) => ({
  /** Ignores what is older than what is known. */
  keepNewest: async ({ id, version, ...customer }: CustomerEventData, tx: Tx): Promise<void> => {
    const { name, phone, email, locale, smsOptOut, deletedAt } = customer
    const values = [id, name, phone, email, locale, smsOptOut, deletedAt !== null, false, version]
    await db.query(keepNewest, values, { tx, name: 'customer_keep' })
  },

  /** Forgets the person, also in what was sent to them. */
  purge: async ({ id, version }: CustomerEventData, tx: Tx): Promise<void> => {
    await db.query(keepNewest, [id, null, null, null, null, true, true, true, version], { tx, name: 'customer_keep' })
    await db.query(forgetReports, [id], { tx })
    await db.query(forgetAddresses, [id], { tx })
  },
})
