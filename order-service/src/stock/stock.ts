import type { NewEvent } from '@clientele/contracts/event'
import { productStockChanged, productStockLow, type StockMovement } from '@clientele/contracts/product'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { newId, type Tx } from '@clientele/platform/data/db'
import { databaseOf } from '@clientele/platform/data/transaction'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { Problem } from '@clientele/platform/runtime/problem'
import { lockProducts, moveProducts, type StockedProduct } from './stock.statements.ts'

/** A change of one product's stock; `pointer` leads to it in the request, for a refusal. */
export type StockChange = {
  productId: string
  delta: number
  kind: StockMovement['kind']
  reason: string
  orderId: string | null
  pointer?: string
}

/** A product of which more is wanted than there is; all changes of it are counted together. */
export type Shortage = { productId: string; requested: number; available: number }

export const shortages = (
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

/** The refusal, with every change of a product that is short; undefined if there is enough of all. */
export const insufficientStock = (
  changes: readonly StockChange[],
  products: ReadonlyMap<string, Pick<StockedProduct, 'stock'>>,
): Problem | undefined => {
  const short = new Map(shortages(changes, products).map((shortage) => [shortage.productId, shortage]))
  if (short.size === 0) return undefined
  const errors = changes.flatMap(({ productId, pointer }) => {
    const found = short.get(productId)
    if (!found) return []
    const { requested, available } = found
    const message = `${requested} requested, ${available} available`
    return [{ ...(pointer !== undefined && { pointer }), code: 'stock_short', message, requested, available }]
  })
  return new Problem('insufficient_stock', {
    detail: `${errors.length} of ${changes.length} ${changes.length === 1 ? 'line' : 'lines'} cannot be delivered`,
    errors,
  })
}

type Options = {
  /** The products as {@link lockStock} gave them; without it they are locked and read. */
  locked?: ReadonlyMap<string, StockedProduct>
  /** Events of the caller, published before those of the stock; one statement stores all. */
  also?: NewEvent[]
  /** When it happens; default now. */
  at?: Date
  /** Whether the events are added as those of a job: `outbox.addInBulk`. */
  inBulk?: boolean
}

/** The result: each product as it is now, and the movements in the order of the changes. */
export type Moved = { products: Map<string, StockedProduct>; movements: StockMovement[] }

/** Locks products until the end of `tx`, always in the order of their ids, so that two carts never wait for each other. */
export const lockStock = async (tx: Tx, ids: Iterable<string>): Promise<Map<string, StockedProduct>> => {
  const { text, name } = lockProducts
  const rows = await databaseOf(tx).query<StockedProduct>(text, [[...new Set(ids)]], { tx, name })
  return new Map(rows.map((product) => [product.id, product]))
}

const eventsOf = (before: StockedProduct, now: StockedProduct, movement: StockMovement, actor: Actor): NewEvent[] => {
  const { id, sku, name, stock, lowStockAt, version } = now
  const data = { id, sku, name, stock, lowStockAt, movement, version }
  const fell = lowStockAt !== null && before.stock > lowStockAt && stock <= lowStockAt
  return [productStockChanged.of(data, actorRef(actor)), ...(fell ? [productStockLow.of(data, actorRef(actor))] : [])]
}

/**
 * The one way in which stock changes: all of `changes` or none, each with its movement, a version of the product and its
 * events. Several changes of one product follow each other.
 * @throws Problem 409 `insufficient_stock` naming every change of a product that is short
 */
export const moveStock = async (
  tx: Tx,
  changes: readonly StockChange[],
  actor: Actor,
  { locked, also = [], at = new Date(), inBulk = false }: Options = {},
): Promise<Moved> => {
  const before =
    locked ??
    (await lockStock(
      tx,
      changes.map(({ productId }) => productId),
    ))
  const refusal = insufficientStock(changes, before)
  if (refusal) throw refusal
  const products = new Map(before)
  const movements: { movement: StockMovement; version: number }[] = []
  const events = [...also]
  for (const { productId, delta, kind, reason, orderId } of changes) {
    const known = products.get(productId)
    if (!known) throw new Error('the product to move is gone')
    const now = { ...known, stock: known.stock + delta, version: known.version + 1 }
    const movement: StockMovement = {
      ...{ id: newId(), productId, delta, stockAfter: now.stock, kind, reason, orderId },
      createdAt: at.toISOString(),
      createdBy: actorRef(actor),
    }
    products.set(productId, now)
    movements.push({ movement, version: now.version })
    events.push(...eventsOf(known, now, movement, actor))
  }
  const changed = [...products.values()].filter((product) => before.get(product.id) !== product)
  const { text, name, values } = moveProducts(changed, movements, at, actor)
  await databaseOf(tx).query(text, values, { tx, name })
  await (inBulk ? outbox.addInBulk(tx, ...events) : outbox.add(tx, ...events))
  return { products, movements: movements.map(({ movement }) => movement) }
}
