import type { ProductIdBy } from '@clientele/contracts/product'
import { snake } from '@clientele/platform/data/column-name'
import type { Db, Tx } from '@clientele/platform/data/db'
import { isUuid } from '@clientele/platform/data/ids'
import { Problem } from '@clientele/platform/runtime/problem'
import { type ProductRow, type Products, productAttributes } from './product.model.ts'

/** How a request names a product: by id, or by its sku. */
export type ProductKey = { key: string; idBy?: ProductIdBy | undefined }

type State = 'active' | 'any'

const select = `select ${productAttributes.map((name) => `${snake(name)} as "${name}"`).join(', ')} from products`

const notFound = () => new Problem('not_found', { detail: 'there is no such product' })

export type ProductFinder = ReturnType<typeof createProductFinder>

/** Reads products by their keys. */
export const createProductFinder = (db: Db, model: Products) => {
  const read = (tx?: Tx, lock = false) => ({
    attributes: productAttributes,
    raw: true,
    transaction: tx ?? db.requestTransaction() ?? null,
    ...(lock && { lock: true }),
  })
  const look = async (
    { key, idBy }: ProductKey,
    state: State,
    { tx, lock = false }: { tx?: Tx; lock?: boolean } = {},
  ): Promise<ProductRow | undefined> => {
    if (idBy === undefined && !isUuid(key)) return undefined
    // A sku names only what is not in the trash.
    const includesTrash = state === 'any' && idBy === undefined
    const where = { [idBy ?? 'id']: key.trim(), ...(!includesTrash && { archivedAt: null }) }
    return (await model.findOne({ where, ...read(tx, lock) })) ?? undefined
  }

  return {
    find: (key: ProductKey): Promise<ProductRow | undefined> => look(key, 'active'),

    /** Products by id or sku; with `tx` locked, in the order in which carts lock them. */
    many: (ids: string[], skus: string[], tx?: Tx, state: State = 'active'): Promise<ProductRow[]> => {
      const notInTrash = state === 'any' ? '' : ' and archived_at is null'
      const condition = `(id = any($1::uuid[])${notInTrash}) or (sku = any($2::text[]) and archived_at is null)`
      return db.query<ProductRow>(
        `${select} where ${condition} order by id${tx ? ' for no key update' : ''}`,
        [ids, skus],
        { tx, name: `products_${state}${tx ? '_lock' : ''}` },
      )
    },

    /** Locks up to 1,000 products that show a medium, in the order in which carts lock them. */
    lockByPhoto: (photoMediaId: string, tx: Tx): Promise<ProductRow[]> =>
      model.findAll({ where: { photoMediaId }, order: ['id'], limit: 1_000, ...read(tx, true) }),

    /** @throws Problem 404 */
    get: async (key: ProductKey, state: State = 'active'): Promise<ProductRow> => {
      const row = await look(key, state)
      if (!row) throw notFound()
      return row
    },

    /** Reads and locks until the end of `tx`. @throws Problem 404; 412 if `ifMatch` is another version */
    lock: async (
      key: ProductKey,
      tx: Tx,
      { state = 'active', ifMatch }: { state?: State; ifMatch?: number | undefined } = {},
    ): Promise<ProductRow> => {
      const row = await look(key, state, { tx, lock: true })
      if (!row) throw notFound()
      if (ifMatch !== undefined && ifMatch !== row.version)
        throw new Problem('precondition_failed', { detail: `the product is at version ${row.version}` })
      return row
    },
  }
}
