import type { CustomerIdBy } from '@clientele/contracts/customer'
import { normaliseEmail } from '@clientele/contracts/email'
import { columnName } from '@clientele/platform/data/column-name'
import type { Db, Tx } from '@clientele/platform/data/db'
import { isUuid } from '@clientele/platform/data/ids'
import type { UserNames } from '@clientele/platform/data/user-names'
import { type IfMatch, requireVersion } from '@clientele/platform/http/if-match'
import { Problem } from '@clientele/platform/runtime/problem'
import { Op } from 'sequelize'
import { type CustomerRow, type Customers, customerAttributes } from './customer.model.ts'

/** How a request names a customer: by id, or by another unique field. */
export type CustomerKey = { key: string; idBy?: CustomerIdBy | undefined }

/** Which customers a lookup finds. */
type State = 'active' | 'trash' | 'any'

const stateFilters = { active: { deletedAt: null }, trash: { deletedAt: { [Op.ne]: null } }, any: {} }
const stateConditions: Record<State, string> = {
  active: 'deleted_at is null',
  trash: 'deleted_at is not null',
  any: 'true',
}
const lookupColumns = { id: 'id', code: 'code', email: 'email', externalId: 'external_id', phone: 'phone' } as const
/** The fields that {@link Finder.findMany} can search by. Several customers may have the same phone number. */
export type LookupField = keyof typeof lookupColumns
/** A unique value, and the id of the active customer that has it. */
export type UniqueValue = { id: string; field: 'email' | 'externalId' | 'id' | 'code'; value: string }
type UniqueValues = Record<'emails' | 'externalIds' | 'ids' | 'codes', readonly string[]>

const select = `select ${customerAttributes.map((name) => `${columnName(name)} as "${name}"`).join(', ')} from customers`

/** The key as it is stored; undefined if it cannot be one. */
const normaliseKey = ({ key, idBy }: CustomerKey): string | undefined => {
  if (idBy === undefined) return isUuid(key) ? key : undefined
  if (idBy === 'email') return normaliseEmail(key)
  return idBy === 'code' ? key.trim().toUpperCase() : key.trim()
}

const uniqueValuesQuery = `select id, 'email' as field, email as value from customers
where email = any($1::text[]) and deleted_at is null
union all select id, 'externalId', external_id from customers where external_id = any($2::text[]) and deleted_at is null
union all select id, 'id', id::text from customers where id = any($3::uuid[]) and deleted_at is null
union all select id, 'code', code from customers where code = any($4::text[]) and deleted_at is null`

const notFound = () => new Problem('not_found', { detail: 'customer not found' })

export type Finder = ReturnType<typeof createFinder>

/** Reads customers, with the current names of `createdBy` and `updatedBy`. */
export const createFinder = (db: Db, model: Customers, userNames: UserNames) => {
  const queryOptions = (tx: Tx | undefined, lock = false) => ({
    attributes: customerAttributes,
    raw: true,
    transaction: tx ?? db.requestTransaction() ?? null,
    ...(lock && { lock: true }),
  })
  const withNames = async (row: CustomerRow | null, tx?: Tx): Promise<CustomerRow | undefined> =>
    row === null ? undefined : (await userNames.withCurrentNames([row], tx))[0]

  const findOne = async (key: CustomerKey, state: State, tx?: Tx, lock = false): Promise<CustomerRow | undefined> => {
    const value = normaliseKey(key)
    if (value === undefined) return undefined
    const where = { ...stateFilters[state], [key.idBy ?? 'id']: value }
    return withNames(await model.findOne({ where, ...queryOptions(tx, lock) }), tx)
  }

  return {
    find: (key: CustomerKey, tx?: Tx): Promise<CustomerRow | undefined> => findOne(key, 'active', tx),

    /** Finds the customer of a user, also in the trash. */
    findByUser: async (userId: string, tx: Tx): Promise<CustomerRow | undefined> =>
      withNames(await model.findOne({ where: { userId }, ...queryOptions(tx) }), tx),

    // SQL text, because Sequelize would write hundreds of values into the statement; here they are one parameter.
    /** Finds all customers that have one of the values, in the order of their ids. With `tx`, they are locked. */
    findMany: async (by: LookupField, values: readonly string[], state: State, tx?: Tx): Promise<CustomerRow[]> => {
      const condition = `${lookupColumns[by]} = any($1::${by === 'id' ? 'uuid' : 'text'}[]) and ${stateConditions[state]}`
      const sql = `${select} where ${condition} order by id${tx ? ' for update' : ''}`
      return userNames.withCurrentNames(await db.query<CustomerRow>(sql, [values], { tx }), tx)
    },

    /** Finds the active customers that have one of the values. */
    findUniqueValues: ({ emails, externalIds, ids, codes }: UniqueValues, tx?: Tx): Promise<UniqueValue[]> =>
      db.query<UniqueValue>(uniqueValuesQuery, [emails, externalIds, ids, codes], { tx }),

    /** Reads and locks up to 1,000 customers that show an image. */
    lockByPhoto: async (photoMediaId: string, tx: Tx): Promise<CustomerRow[]> =>
      userNames.withCurrentNames(
        await model.findAll({ where: { photoMediaId }, order: ['id'], limit: 1_000, ...queryOptions(tx, true) }),
        tx,
      ),

    /** @throws Problem 404; 412 if `ifMatch` is another version */
    get: async (key: CustomerKey, state: State = 'active', ifMatch?: IfMatch): Promise<CustomerRow> => {
      const row = await findOne(key, state)
      if (!row) throw notFound()
      requireVersion('the customer', row, ifMatch)
      return row
    },

    /**
     * Reads and locks a customer in the trash. An e-mail address or external id is unique only outside the trash, so it may name
     * several there.
     * @throws Problem 404; 409 if the customer is not in the trash or several are; 412
     */
    lockTrashed: async (key: CustomerKey, tx: Tx, ifMatch: IfMatch): Promise<CustomerRow> => {
      const value = normaliseKey(key)
      const where = { ...stateFilters.trash, [key.idBy ?? 'id']: value ?? null }
      const found = value === undefined ? [] : await model.findAll({ where, limit: 2, ...queryOptions(tx, true) })
      if (found.length > 1)
        throw new Problem('conflict', {
          detail: `several customers in the trash have this ${key.idBy}; name one by its id`,
        })
      const row = await withNames(found[0] ?? null, tx)
      if (!row && (await findOne(key, 'active', tx)))
        throw new Problem('invalid_state', { detail: 'the customer is not in the trash' })
      if (!row) throw notFound()
      requireVersion('the customer', row, ifMatch)
      return row
    },

    /** Reads a customer and locks it until the end of `tx`. @throws Problem 404; 412 if `ifMatch` is another version */
    lock: async (
      key: CustomerKey,
      tx: Tx,
      { state = 'active', ifMatch }: { state?: State; ifMatch?: IfMatch } = {},
    ): Promise<CustomerRow> => {
      const row = await findOne(key, state, tx, true)
      if (!row) throw notFound()
      requireVersion('the customer', row, ifMatch)
      return row
    },
  }
}
