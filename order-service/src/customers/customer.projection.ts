import type { Db, Tx } from '@clientele/platform/data/db'

/** What is known of a customer: `purged` is final. */
export type CustomerState = { id: string; state: 'active' | 'trash' | 'purged'; version: number }

const keepNewest = `insert into customers (id, state, version) values ($1, $2, $3)
on conflict (id) do update set state = excluded.state, version = excluded.version
where customers.state <> 'purged' and (customers.version < excluded.version or excluded.state = 'purged')`

const toForget = 'insert into customers_to_forget (customer_id) values ($1) on conflict do nothing'

const known = 'select 1 as known from customers where id = $1'
const lockState = 'select id, state, version from customers where id = $1 for share'

export type CustomerStates = ReturnType<typeof createCustomerStates>

/** The customers that an order may name, as the events of customer-service tell of them. */
export const createCustomerStates = (db: Db) => ({
  /** Ignores what is older than what is known. The orders of a purged customer are queued to let go of it. */
  keepNewest: async ({ id, state, version }: CustomerState, tx?: Tx): Promise<void> => {
    await db.query(keepNewest, [id, state, version], { tx, name: 'customer_state_keep' })
    if (state === 'purged') await db.query(toForget, [id], { tx, name: 'customer_to_forget' })
  },

  isKnown: async (id: string): Promise<boolean> =>
    (await db.query(known, [id], { name: 'customer_state_known' })).length > 0,

  /** Holds off a purge until the end of `tx`: afterwards it finds the order that was placed. */
  lock: async (id: string, tx: Tx): Promise<CustomerState | undefined> =>
    (await db.query<CustomerState>(lockState, [id], { tx, name: 'customer_state_lock' }))[0],
})
