import {
  productArchived,
  productCreated,
  productPurged,
  productRestored,
  productUpdated,
} from '@clientele/contracts/product'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { foldText } from '@clientele/platform/lists/fold-text'
import { moveStock } from '../stock/stock.ts'
import { currentFields, difference, type ProductFields } from './product.change.ts'
import type { ProductModel, ProductRow } from './product.model.ts'
import { presentEvent } from './product.presenter.ts'

/** What `q` looks into. */
export const searchText = ({ name, sku }: Pick<ProductFields, 'name' | 'sku'>): string =>
  foldText([name, sku ?? ''].join(' '))

export type Writer = ReturnType<typeof createWriter>

/** Every change of a product, with its event, in the caller's transaction. Rows to change are locked. */
export const createWriter = ({ db, model }: { db: Db; model: ProductModel }) => {
  const stamp = (actor: Actor, at: Date) => ({ updatedAt: at, updatedBy: actor.id, updatedByName: actor.displayName })

  const save = async (row: ProductRow, edit: Partial<ProductRow>, actor: Actor, tx: Tx): Promise<ProductRow> => {
    const next = { ...row, ...edit, ...stamp(actor, new Date()), version: row.version + 1 }
    const { stock: _stock, ...stored } = next
    await model.update({ ...stored, searchText: searchText(next) }, { where: { id: row.id }, transaction: tx })
    return next
  }

  const move = async (row: ProductRow, archivedAt: Date | null, actor: Actor, tx: Tx): Promise<ProductRow> => {
    const next = await save(row, { archivedAt }, actor, tx)
    const event = archivedAt === null ? productRestored : productArchived
    await outbox.add(tx, event.of(presentEvent(next), actorRef(actor)))
    return next
  }

  return {
    /** A new product; its first stock is its first movement. */
    insert: async (fields: ProductFields, stock: number, actor: Actor, tx: Tx): Promise<ProductRow> => {
      const now = new Date()
      const row: ProductRow = {
        ...fields,
        id: newId(),
        stock: 0,
        createdAt: now,
        createdBy: actor.id,
        createdByName: actor.displayName,
        ...stamp(actor, now),
        archivedAt: null,
        version: 1,
      }
      await model.create({ ...row, searchText: searchText(fields) }, { transaction: tx })
      const created = productCreated.of(presentEvent({ ...row, stock }), actorRef(actor))
      if (stock === 0) await outbox.add(tx, created)
      else {
        const change = {
          productId: row.id,
          delta: stock,
          kind: 'initial',
          reason: 'initial stock',
          orderId: null,
        } as const
        // As if before its first version, so that a product with stock begins at version 1 as others do.
        const locked = new Map([[row.id, { ...row, version: 0 }]])
        await moveStock(tx, [change], actor, { locked, also: [created], at: now })
      }
      return { ...row, stock }
    },

    /** Changes fields; nothing is written or told where nothing differs. */
    apply: async (row: ProductRow, edit: Partial<ProductFields>, actor: Actor, tx: Tx): Promise<ProductRow> => {
      const before = currentFields(row)
      const fields = { ...before, ...edit }
      const change = difference(before, fields)
      if (!change) return row
      const next = await save(row, fields, actor, tx)
      await outbox.add(tx, productUpdated.of(presentEvent(next), actorRef(actor), change))
      return next
    },

    archive: (row: ProductRow, actor: Actor, tx: Tx): Promise<ProductRow> => move(row, new Date(), actor, tx),

    restore: (row: ProductRow, actor: Actor, tx: Tx): Promise<ProductRow> => move(row, null, actor, tx),

    /** Its movements go with it. */
    erase: async (row: ProductRow, actor: Actor, tx: Tx): Promise<void> => {
      const last = { ...row, ...stamp(actor, new Date()), version: row.version + 1 }
      await db.query('delete from products where id = $1', [row.id], { tx })
      await outbox.add(tx, productPurged.of(presentEvent(last), actorRef(actor)))
    },
  }
}
