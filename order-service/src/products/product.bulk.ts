import type { NewEvent } from '@clientele/contracts/event'
import { productArchived, productCreated, productUpdated } from '@clientele/contracts/product'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { columnsOf, toJsonRecords } from '@clientele/platform/data/columns'
import type { Db, Tx } from '@clientele/platform/data/db'
import { nextStamps } from '@clientele/platform/data/stamps'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { moveStock, type StockChange } from '../stock/stock.ts'
import { currentFields, difference, type ProductFields } from './product.change.ts'
import type { ProductRow, Products } from './product.model.ts'
import { presentEventData } from './product.presenter.ts'
import { beforeFirstVersion, newProductRow, searchText } from './product.row.ts'

/** The wanted state of a product. `before` is the locked row of an existing one. Without `stock` the stock does not change. */
export type ProductEdit = {
  before: ProductRow | undefined
  fields: ProductFields
  stock?: number | undefined
  deletedAt?: Date
}

/** What an edit writes: a row with its event, then a stock movement. */
type Plan = {
  inserted?: ProductRow
  updated?: ProductRow
  event?: NewEvent
  /** The movement, and the product before it. */
  move?: { change: StockChange; locked: ProductRow }
  /** The product after the edit. */
  result: ProductRow
}
/** The actor and time of an edit, and the reason of its stock movement. */
type EditContext = { actor: Actor; at: Date; reason: string }

const planNew = ({ fields, stock = 0 }: ProductEdit, { actor, at, reason }: EditContext): Plan => {
  const inserted = newProductRow(fields, actor, at)
  const result = { ...inserted, stock }
  const event = productCreated.of(presentEventData(result), actorRef(actor))
  if (stock === 0) return { inserted, event, result }
  const change: StockChange = { productId: inserted.id, delta: stock, kind: 'initial', reason, orderId: null }
  return { inserted, event, move: { change, locked: beforeFirstVersion(inserted) }, result }
}

const planFields = (before: ProductRow, { fields, deletedAt }: ProductEdit, { actor, at }: EditContext): Plan => {
  const change = difference(currentFields(before), fields)
  if (!change && !deletedAt) return { result: before }
  const updated = { ...before, ...fields, ...nextStamps(before, actor, at), ...(deletedAt && { deletedAt }) }
  const event = deletedAt ? productArchived : productUpdated
  return { updated, event: event.of(presentEventData(updated), actorRef(actor), change), result: updated }
}

const planChange = (before: ProductRow, edit: ProductEdit, context: EditContext): Plan => {
  const plan = planFields(before, edit, context)
  const { result: row } = plan
  const { stock = row.stock } = edit
  const delta = stock - row.stock
  if (delta === 0) return plan
  const change: StockChange = { productId: row.id, delta, kind: 'manual', reason: context.reason, orderId: null }
  return {
    ...plan,
    move: { change, locked: row },
    result: { ...row, ...nextStamps(row, context.actor, context.at), stock },
  }
}

const bulkStatements = (model: Products) => {
  const columns = Object.values(columnsOf(model))
  // Only stock movements change the stock.
  const immutable = new Set(['id', 'stock', 'created_at', 'created_by', 'created_by_name'])
  const updatable = columns.filter((column) => !immutable.has(column))
  return {
    insert: `insert into products (${columns.join(', ')})
select ${columns.join(', ')} from json_populate_recordset(null::products, $1::json)`,
    update: `update products set ${updatable.map((column) => `${column} = edit.${column}`).join(', ')}
from json_populate_recordset(null::products, $1::json) as edit where products.id = edit.id`,
    values: (rows: readonly ProductRow[]): unknown[] => [
      toJsonRecords(
        model,
        rows.map((row) => ({ ...row, searchText: searchText(row) })),
      ),
    ],
  }
}

export type ProductBulkWriter = ReturnType<typeof createProductBulkWriter>

/**
 * Writes many products with a few statements, in the caller's transaction. Versions, movements and events are the same as if the
 * products were written one by one.
 */
export const createProductBulkWriter = ({ db, model }: { db: Db; model: Products }) => {
  const statements = bulkStatements(model)
  const run = async (sql: string, rows: readonly ProductRow[], options: { tx: Tx; name: string }): Promise<void> => {
    if (rows.length > 0) await db.query(sql, statements.values(rows), options)
  }
  return {
    /**
     * Writes edits, at most one per product.
     * @returns the rows after the edits, in the order of the edits
     * @throws a unique violation if another product has a SKU
     */
    write: async (edits: readonly ProductEdit[], reason: string, actor: Actor, tx: Tx): Promise<ProductRow[]> => {
      const at = new Date()
      const context = { actor, at, reason }
      const plans = edits.map((edit) => (edit.before ? planChange(edit.before, edit, context) : planNew(edit, context)))
      const inserted = plans.flatMap((plan) => plan.inserted ?? [])
      const updated = plans.flatMap((plan) => plan.updated ?? [])
      const events = plans.flatMap(({ event }) => event ?? [])
      const moves = plans.flatMap(({ move }) => move ?? [])
      await run(statements.insert, inserted, { tx, name: 'products_insert_many' })
      await run(statements.update, updated, { tx, name: 'products_update_many' })
      const changes = moves.map(({ change }) => change)
      const locked = new Map(moves.map((move) => [move.locked.id, move.locked]))
      if (changes.length > 0) await moveStock(tx, changes, actor, { locked, precedingEvents: events, at, bulk: true })
      else await outbox.addInBulk(tx, ...events)
      return plans.map(({ result }) => result)
    },
  }
}
