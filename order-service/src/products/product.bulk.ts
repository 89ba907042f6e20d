import type { NewEvent } from '@clientele/contracts/event'
import { productArchived, productCreated, productUpdated } from '@clientele/contracts/product'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { columnsOf, recordsOf } from '@clientele/platform/data/columns'
import type { Db, Tx } from '@clientele/platform/data/db'
import { nextStamps } from '@clientele/platform/data/stamps'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { moveStock, type StockChange } from '../stock/stock.ts'
import { currentFields, difference, type ProductFields } from './product.change.ts'
import type { ProductRow, Products } from './product.model.ts'
import { presentEvent } from './product.presenter.ts'
import { beforeFirstVersion, newProductRow, searchText } from './product.stamp.ts'

/** What is to become of a product; `before` is the locked row of one that exists. Absent `stock` leaves it. */
export type ProductEdit = {
  before: ProductRow | undefined
  fields: ProductFields
  stock?: number | undefined
  archivedAt?: Date
}

/** What an edit writes: a row, with the event of that, and then a movement of its stock. */
type Plan = {
  inserted?: ProductRow
  updated?: ProductRow
  event?: NewEvent
  /** The movement, and the product as it finds it. */
  move?: { change: StockChange; locked: ProductRow }
  /** The product after all of it. */
  result: ProductRow
}
/** Who edits, when and why. */
type Edit = { actor: Actor; at: Date; reason: string }

const planNew = ({ fields, stock = 0 }: ProductEdit, { actor, at, reason }: Edit): Plan => {
  const inserted = newProductRow(fields, actor, at)
  const result = { ...inserted, stock }
  const event = productCreated.of(presentEvent(result), actorRef(actor))
  if (stock === 0) return { inserted, event, result }
  const change: StockChange = { productId: inserted.id, delta: stock, kind: 'initial', reason, orderId: null }
  return { inserted, event, move: { change, locked: beforeFirstVersion(inserted) }, result }
}

const planFields = (before: ProductRow, { fields, archivedAt }: ProductEdit, { actor, at }: Edit): Plan => {
  const change = difference(currentFields(before), fields)
  if (!change && !archivedAt) return { result: before }
  const updated = { ...before, ...fields, ...nextStamps(before, actor, at), ...(archivedAt && { archivedAt }) }
  const event = archivedAt ? productArchived : productUpdated
  return { updated, event: event.of(presentEvent(updated), actorRef(actor), change), result: updated }
}

const planChange = (before: ProductRow, edit: ProductEdit, by: Edit): Plan => {
  const plan = planFields(before, edit, by)
  const { result: row } = plan
  const { stock = row.stock } = edit
  const delta = stock - row.stock
  if (delta === 0) return plan
  const change: StockChange = { productId: row.id, delta, kind: 'manual', reason: by.reason, orderId: null }
  return { ...plan, move: { change, locked: row }, result: { ...row, ...nextStamps(row, by.actor, by.at), stock } }
}

const bulkStatements = (model: Products) => {
  const columns = Object.values(columnsOf(model))
  // The stock is the ledger's.
  const fixed = new Set(['id', 'stock', 'created_at', 'created_by', 'created_by_name'])
  const changing = columns.filter((column) => !fixed.has(column))
  return {
    insert: `insert into products (${columns.join(', ')})
select ${columns.join(', ')} from json_populate_recordset(null::products, $1::json)`,
    update: `update products set ${changing.map((column) => `${column} = edit.${column}`).join(', ')}
from json_populate_recordset(null::products, $1::json) as edit where products.id = edit.id`,
    values: (rows: readonly ProductRow[]): unknown[] => [
      recordsOf(
        model,
        rows.map((row) => ({ ...row, searchText: searchText(row) })),
      ),
    ],
  }
}

export type BulkWriter = ReturnType<typeof createBulkWriter>

/** Many products in a few statements, in the caller's transaction, with the same versions, movements and events as one by one. */
export const createBulkWriter = ({ db, model }: { db: Db; model: Products }) => {
  const statements = bulkStatements(model)
  const run = async (sql: string, rows: readonly ProductRow[], options: { tx: Tx; name: string }): Promise<void> => {
    if (rows.length > 0) await db.query(sql, statements.values(rows), options)
  }
  return {
    /**
     * Each product at most once. @returns the rows as they are then, in the order of the edits
     * @throws if somebody else has a sku
     */
    write: async (edits: readonly ProductEdit[], reason: string, actor: Actor, tx: Tx): Promise<ProductRow[]> => {
      const at = new Date()
      const by = { actor, at, reason }
      const plans = edits.map((edit) => (edit.before ? planChange(edit.before, edit, by) : planNew(edit, by)))
      const inserted = plans.flatMap((plan) => plan.inserted ?? [])
      const updated = plans.flatMap((plan) => plan.updated ?? [])
      const events = plans.flatMap(({ event }) => event ?? [])
      const moves = plans.flatMap(({ move }) => move ?? [])
      await run(statements.insert, inserted, { tx, name: 'products_insert_many' })
      await run(statements.update, updated, { tx, name: 'products_update_many' })
      const changes = moves.map(({ change }) => change)
      const locked = new Map(moves.map((move) => [move.locked.id, move.locked]))
      if (changes.length > 0) await moveStock(tx, changes, actor, { locked, also: events, at, inBulk: true })
      else await outbox.addInBulk(tx, ...events)
      return plans.map(({ result }) => result)
    },
  }
}
