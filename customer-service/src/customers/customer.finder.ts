import type { CustomerIdBy } from '@clientele/contracts/customer'
import { snake } from '@clientele/platform/data/column-name'
import type { Db, Tx } from '@clientele/platform/data/db'
import { isUuid } from '@clientele/platform/data/ids'
import { Problem } from '@clientele/platform/runtime/problem'
import { Op } from 'sequelize'
import type { UserNames } from '../users/user-name.projection.ts'
import { type CustomerRow, type Customers, customerAttributes } from './customer.model.ts'

/** How a request names a customer: by id, or by another unique field. */
export type CustomerKey = { key: string; idBy?: CustomerIdBy | undefined }

type State = 'active' | 'trash' | 'any'

const states = { active: { deletedAt: null }, trash: { deletedAt: { [Op.ne]: null } }, any: {} }
const conditions: Record<State, string> = { active: 'deleted_at is null', trash: 'deleted_at is not null', any: 'true' }
const manyBy = { id: 'id', code: 'code', email: 'email', externalId: 'external_id', phone: 'phone' } as const
/** What many customers can be named by; a phone number may be that of several. */
export type ManyBy = keyof typeof manyBy
/** Who has a unique value. */
export type Holder = { id: string; field: 'email' | 'externalId'; value: string }

const select = `select ${customerAttributes.map((name) => `${snake(name)} as "${name}"`).join(', ')} from customers`

const normalised = ({ key, idBy }: CustomerKey): string | undefined => {
  if (idBy === undefined) return isUuid(key) ? key : undefined
  if (idBy === 'email') return key.trim().toLowerCase()
  return idBy === 'code' ? key.trim().toUpperCase() : key.trim()
}

const holders = `select id, 'email' as field, email as value from customers
where email = any($1::text[]) and deleted_at is null
union all select id, 'externalId', external_id from customers where external_id = any($2::text[]) and deleted_at is null`

const notFound = () => new Problem('not_found', { detail: 'there is no such customer' })

export type Finder = ReturnType<typeof createFinder>

/** Reads customers, with the current names of who made and changed them. */
export const createFinder = (db: Db, model: Customers, userNames: UserNames) => {
  const read = (tx: Tx | undefined, lock = false) => ({
    attributes: customerAttributes,
    raw: true,
    transaction: tx ?? db.requestTransaction() ?? null,
    ...(lock && { lock: true }),
  })
  const named = async (row: CustomerRow | null, tx?: Tx): Promise<CustomerRow | undefined> =>
    row === null ? undefined : (await userNames.inRows([row], tx))[0]

  const look = async (key: CustomerKey, state: State, tx?: Tx, lock = false): Promise<CustomerRow | undefined> => {
    const value = normalised(key)
    if (value === undefined) return undefined
    const where = { ...states[state], [key.idBy ?? 'id']: value }
    return named(await model.findOne({ where, ...read(tx, lock) }), tx)
  }

  return {
    find: (key: CustomerKey, tx?: Tx): Promise<CustomerRow | undefined> => look(key, 'active', tx),

    /** The customer of a user, also from the trash. */
    ofUser: async (userId: string, tx: Tx): Promise<CustomerRow | undefined> =>
      named(await model.findOne({ where: { userId }, ...read(tx) }), tx),

    // As text: hundreds of keys are one parameter.
    /** All customers with one of the values; with `tx` locked, in the order of their ids. */
    many: async (by: ManyBy, values: readonly string[], state: State, tx?: Tx): Promise<CustomerRow[]> => {
      const condition = `${manyBy[by]} = any($1::${by === 'id' ? 'uuid' : 'text'}[]) and ${conditions[state]}`
      const sql = `${select} where ${condition} order by id${tx ? ' for update' : ''}`
      return userNames.inRows(await db.query<CustomerRow>(sql, [values], { tx }), tx)
    },

    holders: (emails: readonly string[], externalIds: readonly string[], tx?: Tx): Promise<Holder[]> =>
      db.query<Holder>(holders, [emails, externalIds], { tx }),

    /** Locks up to 1,000 customers that show a medium. */
    lockByPhoto: async (photoMediaId: string, tx: Tx): Promise<CustomerRow[]> =>
      userNames.inRows(
        await model.findAll({ where: { photoMediaId }, order: ['id'], limit: 1_000, ...read(tx, true) }),
        tx,
      ),

    /** @throws Problem 404 */
    get: async (key: CustomerKey): Promise<CustomerRow> => {
      const row = await look(key, 'active')
      if (!row) throw notFound()
      return row
    },

    /** Reads and locks until the end of `tx`. @throws Problem 404; 412 where `ifMatch` is another version */
    lock: async (
      key: CustomerKey,
      tx: Tx,
      { state = 'active', ifMatch }: { state?: State; ifMatch?: number | undefined } = {},
    ): Promise<CustomerRow> => {
      const row = await look(key, state, tx, true)
      if (!row) throw notFound()
      if (ifMatch !== undefined && ifMatch !== row.version)
        throw new Problem('precondition_failed', { detail: `the customer is at version ${row.version}` })
      return row
    },
  }
}
