import { type NewOrder, type Order, orderDeclined, orderPlaced } from '@clientele/contracts/order'
import type { ProblemError } from '@clientele/contracts/problem'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { retryOnConflict } from '@clientele/platform/data/database-errors'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import { newStamps } from '@clientele/platform/data/stamps'
import { afterCommit } from '@clientele/platform/data/transaction'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import { counter } from '@clientele/platform/runtime/telemetry'
import type { CustomerClient } from '../customers/customer.client.ts'
import type { CustomerState, CustomerStates } from '../customers/customer.projection.ts'
import { insufficientStock, moveStock, type Shortage, type StockChange, shortages } from '../stock/stock.ts'
import { byProduct, type Cart, cartOf, productIds } from './order.cart.ts'
import { mergedMetadata } from './order.change.ts'
import { type Locked, lockForOrder } from './order.lock.ts'
import type { OrderRow } from './order.model.ts'
import { presentOrder } from './order.presenter.ts'
import { insert, insertValues } from './order.statements.ts'
import { placedAtOf } from './order-id.ts'
import { orderNumber } from './order-number.ts'

type Deps = { db: Db; customerStates: CustomerStates; customerClient: CustomerClient; shopCurrency: string }

type Outcome = { order: Order } | { declined: Problem; short: Shortage[] } | 'unknown customer'

const unknownCustomer = () => fieldProblem('/customerId', 'not_found', 'there is no such customer')

const customerFault = (state: CustomerState['state']): ProblemError[] => {
  if (state === 'active') return []
  const [code, message] =
    state === 'trash'
      ? ['in_trash', 'the customer is in the trash: restore it first']
      : ['not_found', 'there is no such customer']
  return [{ pointer: '/customerId', code, message }]
}

const shortOf = ({ lines, wanted }: Cart, products: Locked['products']): Outcome | undefined => {
  const asked = wanted.map((want): StockChange => ({ ...want, kind: 'order', reason: '', orderId: null }))
  const refusal = insufficientStock(asked, products)
  if (!refusal) return undefined
  const { errors = [] } = refusal.options
  const counted = `${errors.length} of ${lines.length} ${lines.length === 1 ? 'line' : 'lines'}`
  const declined = new Problem('insufficient_stock', { detail: `${counted} cannot be delivered`, errors })
  return { declined, short: shortages(asked, products) }
}

export type Placement = ReturnType<typeof createPlacement>

/** Placing an order: all of its lines or none, at the prices and the stock of one moment. */
export const createPlacement = ({ db, customerStates, customerClient, shopCurrency }: Deps) => {
  const declined = counter('orders_declined_total', 'Orders that could not be delivered')

  const attempt = async (input: NewOrder, actor: Actor, tx: Tx): Promise<Outcome> => {
    const customerId = input.customerId?.toLowerCase() ?? null
    const locked = await lockForOrder(customerId, productIds(input), tx)
    if (!locked) return 'unknown customer'
    const { customerState, products } = locked
    const errors = customerState ? customerFault(customerState) : []
    const cart = cartOf(input, products, shopCurrency, errors)
    if (!cart) throw invalidOrder(errors)
    const short = shortOf(cart, products)
    if (short) return short
    return { order: await store(rowOf(input, customerId, cart, actor), cart, products, actor, tx) }
  }

  const store = async (
    given: Omit<OrderRow, 'number'>,
    { lines, wanted }: Cart,
    locked: Locked['products'],
    actor: Actor,
    tx: Tx,
  ): Promise<Order> => {
    const values = insertValues(given, lines)
    const [made] = await db.query<{ number: number }>(insert, values, { tx, name: 'order_insert' })
    if (!made) throw new Error('no number was given')
    const row = { ...given, ...made }
    const order = presentOrder(row, lines)
    const placed = orderPlaced.of(order, actorRef(actor))
    const reason = `order ${orderNumber(row.number)}`
    const changes = byProduct(wanted).map((want) => ({ ...want, kind: 'order' as const, reason, orderId: row.id }))
    if (changes.length === 0) await outbox.add(tx, placed)
    else await moveStock(tx, changes, actor, { locked, also: [placed] })
    return order
  }

  /** Learns of a customer whose events have not come yet. @returns whether there is one. @throws Problem 503 */
  const learnCustomer = async (id: string, actor: Actor): Promise<boolean> => {
    const found = await customerClient.find(id, actor)
    if (found) await db.transaction((tx) => customerStates.upsertIfNewer(found, tx))
    return found !== undefined
  }

  /** Publishes that an order was declined; if the request has a transaction of its own, after its commit. */
  const publishDeclined = async (customerId: string | null, short: Shortage[], actor: Actor): Promise<void> => {
    const event = orderDeclined.of({ id: newId(), customerId, short, version: 1 }, actorRef(actor))
    const publish = () => db.transaction((tx) => outbox.add(tx, event))
    const request = db.requestTransaction()
    if (request) afterCommit(request, publish)
    else await publish()
  }

  /** @throws Problem 409 `insufficient_stock`; 422; 503 */
  const place = async (input: NewOrder, actor: Actor): Promise<Order> => {
    const attemptWithRetry = () => retryOnConflict(() => db.transaction((tx) => attempt(input, actor, tx)))
    let outcome = await attemptWithRetry()
    // Inside an idempotent request's transaction nobody is asked: `prepare` did that before it.
    const mayAsk = !db.requestTransaction()
    if (outcome === 'unknown customer' && mayAsk && (await learnCustomer(input.customerId ?? '', actor)))
      outcome = await attemptWithRetry()
    if (outcome === 'unknown customer') throw unknownCustomer()
    if ('order' in outcome) return outcome.order
    declined.inc()
    await publishDeclined(input.customerId ?? null, outcome.short, actor)
    throw outcome.declined
  }

  return {
    place,
    /** Learns of a customer that is not known yet, so that nobody is asked while the order is placed. @throws Problem 503 */
    prepare: async ({ customerId }: NewOrder, actor: Actor): Promise<void> => {
      if (customerId && !(await customerStates.isKnown(customerId))) await learnCustomer(customerId, actor)
    },
  }
}

const invalidOrder = (errors: ProblemError[]): Problem =>
  new Problem('validation', {
    detail: `${errors.length} ${errors.length === 1 ? 'field is' : 'fields are'} not valid`,
    errors,
  })

/** The order; `number` comes with its insert. */
const rowOf = (input: NewOrder, customerId: string | null, cart: Cart, actor: Actor): Omit<OrderRow, 'number'> => {
  const id = newId()
  const { createdAt: placedAt, ...stamps } = newStamps(actor, placedAtOf(id))
  return {
    id,
    customerId,
    status: 'placed',
    total: cart.total,
    currency: cart.currency,
    note: input.note ?? null,
    metadata: mergedMetadata({}, input.metadata ?? {}),
    placedAt,
    fulfilledAt: null,
    cancelledAt: null,
    ...stamps,
  }
}
