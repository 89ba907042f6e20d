import type { CustomerState } from '@clientele/contracts/customer'
import type { CustomerRef } from '@clientele/contracts/customer-ref'
import { customerDisplayName } from '@clientele/features/customers/customer-name'
import type { Db, Tx } from '@clientele/platform/data/db'
import { upsertAllIfNewer } from '@clientele/platform/data/projection'
import type { InferAttributes } from 'sequelize'
import { type CustomerModel, defineCustomers } from './customer.model.ts'
import type { PurgedCustomers } from './purged-customer.model.ts'

export type KnownCustomer = InferAttributes<CustomerModel>
export type CustomerProjection = ReturnType<typeof createCustomerProjection>

/** The row of a customer that was not purged. */
export const knownCustomer = (customer: CustomerState): KnownCustomer => ({
  id: customer.id,
  state: customer.deletedAt === null ? 'active' : 'trash',
  version: customer.version,
  code: customer.code,
  displayName: customerDisplayName(customer),
})

/** The row of a purged customer, without personal data. */
export const purgedCustomer = ({ id, version }: Pick<CustomerState, 'id' | 'version'>): KnownCustomer => ({
  id,
  state: 'purged',
  version,
  code: null,
  displayName: null,
})

const selectNamed = `select id, code, display_name as "displayName" from customers
where id = any($1::uuid[]) and state <> 'purged' and code is not null`

const selectLacking = `select exists (select from customers where state <> 'purged' and code is null) as lacks`

// A row of the same version may lack the name, or have an older one that a replica of the previous release has left. Rows that are
// current are not locked.
const storeStates = `insert into customers (id, state, version, code, display_name)
select source.* from unnest($1::uuid[], $2::text[], $3::integer[], $4::text[], $5::text[])
  as source (id, state, version, code, display_name)
where not exists (select from customers as stored where stored.id = source.id
  and (stored.version > source.version or stored.state = 'purged' or (stored.version, stored.code, stored.display_name)
    = (source.version, source.code, source.display_name)))
order by id
on conflict (id) do update set state = excluded.state, version = excluded.version, code = excluded.code,
  display_name = excluded.display_name
where customers.state <> 'purged' and customers.version <= excluded.version`

/** The customers that orders may refer to, kept by the events of customer-service. */
export const createCustomerProjection = ({ db, purged }: { db: Db; purged: PurgedCustomers }) => {
  const model = defineCustomers(db.sequelize)
  return {
    /** Ignores versions older than the stored ones. The orders of purged customers are queued for anonymisation. */
    upsertIfNewer: async (customers: readonly KnownCustomer[], tx: Tx): Promise<void> => {
      await upsertAllIfNewer(model, customers, tx, { final: (row) => `${row}.state = 'purged'` })
      const purgedIds = customers.filter(({ state }) => state === 'purged').map(({ id }) => ({ customerId: id }))
      if (purgedIds.length > 0) await purged.bulkCreate(purgedIds, { ignoreDuplicates: true, transaction: tx })
    },

    /** Whether a customer that was not purged lacks its name. */
    lacksNames: async (): Promise<boolean> => (await db.query<{ lacks: boolean }>(selectLacking))[0]?.lacks === true,

    /** Stores those of many customers that are newer than the stored ones, or have the name that a stored one lacks. */
    storeAll: async (states: readonly CustomerState[]): Promise<void> => {
      const rows = states.map(knownCustomer)
      const columns = (['id', 'state', 'version', 'code', 'displayName'] as const).map((name) =>
        rows.map((row) => row[name]),
      )
      await db.query(storeStates, columns)
    },

    /** Removes what is left of the name of a purged customer. */
    eraseName: async (id: string, tx: Tx): Promise<void> =>
      void (await model.update({ code: null, displayName: null }, { where: { id }, transaction: tx })),

    exists: async (id: string): Promise<boolean> =>
      (await model.count({ where: { id }, transaction: db.requestTransaction() ?? null })) > 0,

    /** Reads the customers of several orders with one query. Customers without a name are left out. */
    findNamed: async (ids: Iterable<string | null>, tx?: Tx): Promise<Map<string, CustomerRef>> => {
      const unique = [...new Set(ids)].filter((id) => id !== null)
      if (unique.length === 0) return new Map()
      const rows = await db.query<CustomerRef>(selectNamed, [unique], { tx, name: 'customers_named' })
      return new Map(rows.map((row) => [row.id, row]))
    },
  }
}
