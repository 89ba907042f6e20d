import type { ProductIdBy } from '@clientele/contracts/product'
import type { Db, Tx } from '@clientele/platform/data/db'
import { isUuid } from '@clientele/platform/data/ids'
import { selectList } from '@clientele/platform/data/select-list'
import type { UserNames } from '@clientele/platform/data/user-names'
import { type IfMatch, requireVersion } from '@clientele/platform/http/if-match'
import { Problem } from '@clientele/platform/runtime/problem'
import { Op } from 'sequelize'
import { type ProductRow, type Products, productAttributes } from './product.model.ts'

/** The key of a product in a request: its id, or its SKU if `idBy` says so. */
export type ProductKey = { key: string; idBy?: ProductIdBy | undefined }

/** Which products a lookup finds. `any` includes those in the trash. */
type State = 'active' | 'any'

const notFound = () => new Problem('not_found', { detail: 'product not found' })

export type ProductFinder = ReturnType<typeof createProductFinder>

/** Reads and locks products. */
export const createProductFinder = (db: Db, model: Products, userNames: UserNames) => {
  const readOptions = (tx?: Tx, lock = false) => ({
    attributes: productAttributes,
    raw: true,
    transaction: tx ?? db.requestTransaction() ?? null,
    ...(lock && { lock: true }),
  })
  const findRow = async (
    { key, idBy }: ProductKey,
    state: State,
    { tx, lock = false }: { tx?: Tx; lock?: boolean } = {},
  ): Promise<ProductRow | undefined> => {
    if (idBy === undefined && !isUuid(key)) return undefined
    // A SKU is unique only among products that are not in the trash.
    const includesTrash = state === 'any' && idBy === undefined
    const where = { [idBy ?? 'id']: key.trim(), ...(!includesTrash && { deletedAt: null }) }
    const row = await model.findOne({ where, ...readOptions(tx, lock) })
    return row === null ? undefined : (await userNames.withCurrentNames([row as ProductRow], tx))[0]
  }

  return {
    find: (key: ProductKey): Promise<ProductRow | undefined> => findRow(key, 'active'),

    /** Finds products by id or SKU. With `tx` it locks them, in the order of their ids, as orders do. */
    findMany: async (ids: string[], skus: string[], tx?: Tx, state: State = 'active'): Promise<ProductRow[]> => {
      const notInTrash = state === 'any' ? '' : ' and archived_at is null'
      const condition = `(id = any($1::uuid[])${notInTrash}) or (sku = any($2::text[]) and archived_at is null)`
      const rows = await db.query<ProductRow>(
        `select ${selectList(model)} from products where ${condition} order by id${tx ? ' for no key update' : ''}`,
        [ids, skus],
        { tx, name: `products_${state}${tx ? '_lock' : ''}` },
      )
      return userNames.withCurrentNames(rows, tx)
    },

    /** Reads and locks up to 1,000 products that show an image, in the order of their ids, as orders do. */
    lockByPhoto: async (photoMediaId: string, tx: Tx): Promise<ProductRow[]> =>
      userNames.withCurrentNames<ProductRow>(
        await model.findAll({ where: { photoMediaId }, order: ['id'], limit: 1_000, ...readOptions(tx, true) }),
        tx,
      ),

    /** @throws Problem 404 */
    get: async (key: ProductKey, state: State = 'active'): Promise<ProductRow> => {
      const row = await findRow(key, state)
      if (!row) throw notFound()
      return row
    },

    /**
     * Reads and locks a product in the trash. A SKU is unique only outside the trash, so it may name several there.
     * @throws Problem 404; 409 if the product is not in the trash or several are; 412
     */
    lockTrashed: async ({ key, idBy }: ProductKey, tx: Tx, ifMatch: IfMatch): Promise<ProductRow> => {
      const isKey = idBy !== undefined || isUuid(key)
      const where = { [idBy ?? 'id']: key.trim(), deletedAt: { [Op.ne]: null } }
      const found = isKey ? await model.findAll({ where, limit: 2, ...readOptions(tx, true) }) : []
      if (found.length > 1)
        throw new Problem('conflict', { detail: `several products in the trash have this ${idBy}; name one by its id` })
      const [row] = await userNames.withCurrentNames<ProductRow>(found, tx)
      if (!row && (await findRow({ key, idBy }, 'active', { tx })))
        throw new Problem('invalid_state', { detail: 'the product is not in the trash' })
      if (!row) throw notFound()
      requireVersion('the product', row, ifMatch)
      return row
    },

    /** Reads and locks a product until the end of `tx`. @throws Problem 404; 412 if `ifMatch` is another version */
    lock: async (
      key: ProductKey,
      tx: Tx,
      { state = 'active', ifMatch }: { state?: State; ifMatch?: IfMatch } = {},
    ): Promise<ProductRow> => {
      const row = await findRow(key, state, { tx, lock: true })
      if (!row) throw notFound()
      requireVersion('the product', row, ifMatch)
      return row
    },
  }
}
