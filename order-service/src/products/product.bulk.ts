import type { NewEvent } from '@clientele/contracts/event'
import { productArchived, productCreated, productUpdated } from '@clientele/contracts/product'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { snake } from '@clientele/platform/data/column-name'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { moveStock, type StockChange } from '../stock/stock.ts'
import { currentFields, difference, type ProductFields } from './product.change.ts'
import { type ProductRow, productAttributes } from './product.model.ts'
import { presentEvent } from './product.presenter.ts'
import { searchText } from './product.writer.ts'

/** What is to become of a product; `before` is the locked row of one that is there. Absent `stock` leaves it. */
export type ProductEdit = {
  before: ProductRow | undefined
  fields: ProductFields
  stock?: number | undefined
  archivedAt?: Date
}

const attributes = [...productAttributes, 'searchText']
const columns = attributes.map(snake)
const insert = `insert into products (${columns.join(', ')})
select ${columns.join(', ')} from json_populate_recordset(null::products, $1::json)`
// The stock is the ledger's.
const changing = columns.filter((column) => column !== 'id' && column !== 'stock' && !column.startsWith('created_'))
const update = `update products set ${changing.map((column) => `${column} = edit.${column}`).join(', ')}
from json_populate_recordset(null::products, $1::json) as edit where products.id = edit.id`

const recordsOf = (rows: readonly ProductRow[]): string =>
  JSON.stringify(
    rows.map((row) => {
      const values = { ...row, searchText: searchText(row) }
      return Object.fromEntries(attributes.map((name) => [snake(name), values[name as keyof typeof values]]))
    }),
  )

export type BulkWriter = ReturnType<typeof createBulkWriter>

/** Many products in a few statements, in the caller's transaction, with the same versions, movements and events as one by one. */
export const createBulkWriter = ({ db }: { db: Db }) => ({
  /**
   * Each product at most once. @returns the rows as they are then, in the order of the edits
   * @throws where somebody else has a sku
   */
  write: async (edits: readonly ProductEdit[], reason: string, actor: Actor, tx: Tx): Promise<ProductRow[]> => {
    const at = new Date()
    const stamp = { updatedAt: at, updatedBy: actor.id, updatedByName: actor.displayName }
    const made: ProductRow[] = []
    const changed: ProductRow[] = []
    const events: NewEvent[] = []
    const movements: StockChange[] = []
    const locked = new Map<string, ProductRow>()

    const rows = edits.map(({ before, fields, stock, archivedAt }) => {
      let row: ProductRow
      if (!before) {
        const created = { createdAt: at, createdBy: actor.id, createdByName: actor.displayName }
        row = { ...fields, ...stamp, ...created, id: newId(), stock: 0, archivedAt: null, version: 1 }
        made.push(row)
        events.push(productCreated.of(presentEvent({ ...row, stock: stock ?? 0 }), actorRef(actor)))
      } else {
        const change = difference(currentFields(before), fields)
        row = before
        if (change || archivedAt) {
          row = { ...before, ...fields, ...stamp, version: before.version + 1, ...(archivedAt && { archivedAt }) }
          changed.push(row)
          const event = archivedAt ? productArchived : productUpdated
          events.push(event.of(presentEvent(row), actorRef(actor), change))
        }
      }
      const delta = (stock ?? row.stock) - row.stock
      if (delta === 0) return row
      const kind = before ? 'manual' : 'initial'
      movements.push({ productId: row.id, delta, kind, reason, orderId: null })
      // A new product with stock begins at version 1, as others do.
      locked.set(row.id, before ? row : { ...row, version: 0 })
      return { ...row, ...stamp, stock: row.stock + delta, version: before ? row.version + 1 : 1 }
    })

    if (made.length > 0) await db.query(insert, [recordsOf(made)], { tx, name: 'products_insert_many' })
    if (changed.length > 0) await db.query(update, [recordsOf(changed)], { tx, name: 'products_update_many' })
    if (movements.length > 0) await moveStock(tx, movements, actor, { locked, also: events, at, inBulk: true })
    else await outbox.addInBulk(tx, ...events)
    return rows
  },
})
