import {
  productArchived,
  productCreated,
  productPurged,
  productRestored,
  productUpdated,
} from '@clientele/contracts/product'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Tx } from '@clientele/platform/data/db'
import { nextStamps } from '@clientele/platform/data/stamps'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { moveStock, type StockChange } from '../stock/stock.ts'
import { currentFields, difference, type ProductFields } from './product.change.ts'
import type { ProductRow, Products } from './product.model.ts'
import { presentEventData } from './product.presenter.ts'
import { beforeFirstVersion, newProductRow, searchText } from './product.row.ts'

export type ProductWriter = ReturnType<typeof createProductWriter>

/** Writes changes of products with their events, in the caller's transaction, which has locked the rows. */
export const createProductWriter = (model: Products) => {
  const save = async (row: ProductRow, changes: Partial<ProductRow>, actor: Actor, tx: Tx): Promise<ProductRow> => {
    const stamps = nextStamps(row, actor)
    const next = { ...row, ...changes, ...stamps }
    await model.update(
      { ...changes, ...stamps, searchText: searchText(next) },
      { where: { id: row.id }, transaction: tx },
    )
    return next
  }

  const setDeletedAt = async (row: ProductRow, deletedAt: Date | null, actor: Actor, tx: Tx): Promise<ProductRow> => {
    const next = await save(row, { deletedAt }, actor, tx)
    const event = deletedAt === null ? productRestored : productArchived
    await outbox.add(tx, event.of(presentEventData(next), actorRef(actor)))
    return next
  }

  return {
    /** Inserts a product. Its initial stock is its first movement. */
    insert: async (fields: ProductFields, stock: number, actor: Actor, tx: Tx): Promise<ProductRow> => {
      const at = new Date()
      const row = newProductRow(fields, actor, at)
      await model.create({ ...row, searchText: searchText(fields) }, { transaction: tx })
      const created = productCreated.of(presentEventData({ ...row, stock }), actorRef(actor))
      if (stock === 0) await outbox.add(tx, created)
      else {
        const reason = 'initial stock'
        const change: StockChange = { productId: row.id, delta: stock, kind: 'initial', reason, orderId: null }
        const locked = new Map([[row.id, beforeFirstVersion(row)]])
        await moveStock(tx, [change], actor, { locked, precedingEvents: [created], at })
      }
      return { ...row, stock }
    },

    /** Changes fields. Nothing is written or published if nothing differs. */
    update: async (row: ProductRow, edit: Partial<ProductFields>, actor: Actor, tx: Tx): Promise<ProductRow> => {
      const before = currentFields(row)
      const fields = { ...before, ...edit }
      const change = difference(before, fields)
      if (!change) return row
      const next = await save(row, fields, actor, tx)
      await outbox.add(tx, productUpdated.of(presentEventData(next), actorRef(actor), change))
      return next
    },

    delete: (row: ProductRow, actor: Actor, tx: Tx): Promise<ProductRow> => setDeletedAt(row, new Date(), actor, tx),

    restore: (row: ProductRow, actor: Actor, tx: Tx): Promise<ProductRow> => setDeletedAt(row, null, actor, tx),

    /** Purges a product with its movements. */
    purge: async (row: ProductRow, actor: Actor, tx: Tx): Promise<void> => {
      const last = { ...row, ...nextStamps(row, actor) }
      await model.destroy({ where: { id: row.id }, transaction: tx })
      await outbox.add(tx, productPurged.of(presentEventData(last), actorRef(actor)))
    },
  }
}
