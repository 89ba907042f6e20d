import type { NewEvent } from '@clientele/contracts/event'
import { productStockChanged, productStockLow, type StockMovement } from '@clientele/contracts/product'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { newId, type Tx } from '@clientele/platform/data/db'
import { databaseOf } from '@clientele/platform/data/transaction'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { Problem } from '@clientele/platform/runtime/problem'
import { lockProducts, moveProducts, type StockedProduct } from './stock.statements.ts'

/** A change of one product's stock. `pointer` locates it in the request and is used in errors. */
export type StockChange = {
  productId: string
  delta: number
  kind: StockMovement['kind']
  reason: string
  orderId: string | null
  pointer?: string
}

/** A product that has too little stock. `requested` is the sum of all changes of the product. */
export type Shortage = { productId: string; requested: number; available: number }

/** The products whose stock is too low for all of `changes` together. */
export const findShortages = (
  changes: readonly Pick<StockChange, 'productId' | 'delta'>[],
  products: ReadonlyMap<string, Pick<StockedProduct, 'stock'>>,
): Shortage[] => {
  const sums = new Map<string, number>()
  for (const { productId, delta } of changes) sums.set(productId, (sums.get(productId) ?? 0) + delta)
  return [...sums].flatMap(([productId, sum]) => {
    const available = products.get(productId)?.stock ?? 0
    return available + sum < 0 ? [{ productId, requested: -sum, available }] : []
  })
}

/** The 409 that names every change of a product with too little stock; undefined if there is enough of every product. */
export const insufficientStockProblem = (
  changes: readonly StockChange[],
  products: ReadonlyMap<string, Pick<StockedProduct, 'stock'>>,
): Problem | undefined => {
  const short = new Map(findShortages(changes, products).map((shortage) => [shortage.productId, shortage]))
  if (short.size === 0) return undefined
  const errors = changes.flatMap(({ productId, pointer }) => {
    const found = short.get(productId)
    if (!found) return []
    const { requested, available } = found
    const message = `${requested} requested, ${available} available`
    return [{ ...(pointer !== undefined && { pointer }), code: 'stock_short' as const, message, requested, available }]
  })
  return new Problem('insufficient_stock', {
    detail: `${errors.length} of ${changes.length} ${changes.length === 1 ? 'line' : 'lines'} cannot be delivered`,
    errors,
  })
}

type Options = {
  /** The products as {@link lockStock} returned them. Default: they are locked and read. */
  locked?: ReadonlyMap<string, StockedProduct>
  /** The caller's events, published before the stock events. One statement inserts all. */
  precedingEvents?: NewEvent[]
  /** The time of the movements. Default: now. */
  at?: Date
  /** Adds the events as bulk events of a job (`outbox.addInBulk`). */
  bulk?: boolean
}

/** Each product after the changes, and the movements in the order of the changes. */
export type StockMoveResult = { products: Map<string, StockedProduct>; movements: StockMovement[] }

/** Locks products until the end of `tx`, always in the order of their ids, so that two orders cannot deadlock. */
export const lockStock = async (tx: Tx, ids: Iterable<string>): Promise<Map<string, StockedProduct>> => {
  const { text, name } = lockProducts
  const rows = await databaseOf(tx).query<StockedProduct>(text, [[...new Set(ids)]], { tx, name })
  return new Map(rows.map((product) => [product.id, product]))
}

const eventsOf = (before: StockedProduct, now: StockedProduct, movement: StockMovement, actor: Actor): NewEvent[] => {
  const { id, sku, name, stock, lowStockAt, version } = now
  const data = { id, sku, name, stock, lowStockAt, movement, version }
  const isNowLow = lowStockAt !== null && before.stock > lowStockAt && stock <= lowStockAt
  return [
    productStockChanged.of(data, actorRef(actor)),
    ...(isNowLow ? [productStockLow.of(data, actorRef(actor))] : []),
  ]
}

/**
 * The only code that changes stock. It makes all `changes` or none. Each adds a movement, a version of the product and its
 * events. Several changes of one product are made one after the other.
 * @throws Problem 409 `insufficient_stock` that names every change of a product with too little stock
 */
export const moveStock = async (
  tx: Tx,
  changes: readonly StockChange[],
  actor: Actor,
  { locked, precedingEvents = [], at = new Date(), bulk = false }: Options = {},
): Promise<StockMoveResult> => {
  const before =
    locked ??
    (await lockStock(
      tx,
      changes.map(({ productId }) => productId),
    ))
  const problem = insufficientStockProblem(changes, before)
  if (problem) throw problem
  const products = new Map(before)
  const movements: { movement: StockMovement; version: number }[] = []
  const events = [...precedingEvents]
  for (const { productId, delta, kind, reason, orderId } of changes) {
    const current = products.get(productId)
    if (!current) throw new Error(`product ${productId} is not locked`)
    const now = { ...current, stock: current.stock + delta, version: current.version + 1 }
    const movement: StockMovement = {
      id: newId(),
      productId,
      delta,
      stockAfter: now.stock,
      kind,
      reason,
      orderId,
      createdAt: at.toISOString(),
      createdBy: actorRef(actor),
    }
    products.set(productId, now)
    movements.push({ movement, version: now.version })
    events.push(...eventsOf(current, now, movement, actor))
  }
  const changed = [...products.values()].filter((product) => before.get(product.id) !== product)
  const { text, name, values } = moveProducts(changed, movements, at, actor)
  await databaseOf(tx).query(text, values, { tx, name })
  await (bulk ? outbox.addInBulk(tx, ...events) : outbox.add(tx, ...events))
  return { products, movements: movements.map(({ movement }) => movement) }
}

/** The reason of the movement by which a client sets a stock. */
export const reasonOfSetting = (stock: number): string => `set to ${stock}`

const selectLastMovement = `select kind, reason, stock_after as "stockAfter" from stock_movements
where product_id = $1 order by product_version desc, id desc limit 1`

/** Whether an order, a cancellation or another movement has changed the stock of a product since a client has set it. */
export const hasMovedSinceSet = async (productId: string, tx: Tx): Promise<boolean> => {
  type Last = Pick<StockMovement, 'kind' | 'reason' | 'stockAfter'>
  const [last] = await databaseOf(tx).query<Last>(selectLastMovement, [productId], { tx, name: 'stock_last_movement' })
  return last !== undefined && last.kind !== 'initial' && last.reason !== reasonOfSetting(last.stockAfter)
}
