import type { CustomerRef } from '@clientele/contracts/customer-ref'
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
import type { CustomerProjection, KnownCustomer } from '../customers/customer.projection.ts'
import { findShortages, insufficientStockProblem, moveStock, type Shortage, type StockChange } from '../stock/stock.ts'
import { buildCart, type Cart, productIdsOf, sumByProduct } from './order.cart.ts'
import { mergeMetadata } from './order.change.ts'
import { checkAgreedPrices, priceChangedProblem } from './order.expectation.ts'
import { type LockedRows, lockForOrder } from './order.lock.ts'
import type { OrderRow } from './order.model.ts'
import { presentEventData, presentOrder } from './order.presenter.ts'
import { searchTextOf } from './order.search-text.ts'
import { insertOrder, insertOrderValues } from './order.statements.ts'
import { placedAtOf } from './order-id.ts'
import { formatOrderNumber } from './order-number.ts'

type Deps = {
  db: Db
  customers: CustomerProjection
  customerClient: CustomerClient
  shopCurrency: string
  orderRequiresCustomer: boolean
}

type OrderToStore = {
  values: Omit<OrderRow, 'number'>
  cart: Cart
  named: CustomerRef | null
  products: LockedRows['products']
}

type Outcome = { order: Order } | { declined: Problem; short: Shortage[] } | 'unknown customer'

const unknownCustomerProblem = () => fieldProblem('/customerId', 'not_found', 'customer not found')

/** `state` is absent if the order names no customer. */
const customerErrors = (state: KnownCustomer['state'] | undefined, isRequired: boolean): ProblemError[] => {
  const pointer = '/customerId'
  if (state === undefined) return isRequired ? [{ pointer, code: 'required', message: 'is required' }] : []
  if (state === 'active') return []
  if (state === 'trash')
    return [{ pointer, code: 'in_trash', message: 'the customer is in the trash: restore it first' }]
  return [{ pointer, code: 'not_found', message: 'customer not found' }]
}

/** The customer as the order shows it; null if its name is not known yet. */
const namedCustomer = (id: string | null, customer: LockedRows['customer']): CustomerRef | null => {
  const { code = null, displayName = null } = customer ?? {}
  return id === null || code === null || displayName === null ? null : { id, code, displayName }
}

/** @returns undefined if there is enough stock for every line */
const declineIfShort = ({ lines, demands }: Cart, products: LockedRows['products']): Outcome | undefined => {
  const changes = demands.map((demand): StockChange => ({ ...demand, kind: 'order', reason: '', orderId: null }))
  const problem = insufficientStockProblem(changes, products)
  if (!problem) return undefined
  const { errors = [] } = problem.options
  const shortLines = `${errors.length} of ${lines.length} ${lines.length === 1 ? 'line' : 'lines'}`
  const declined = new Problem('insufficient_stock', { detail: `${shortLines} cannot be delivered`, errors })
  return { declined, short: findShortages(changes, products) }
}

export type Placement = ReturnType<typeof createPlacement>

/** Places orders: all lines or none, at the prices and the stock that one transaction sees. */
export const createPlacement = ({ db, customers, customerClient, shopCurrency, orderRequiresCustomer }: Deps) => {
  const declined = counter('orders_declined_total', 'Orders declined because of insufficient stock')

  const attempt = async (input: NewOrder, actor: Actor, tx: Tx): Promise<Outcome> => {
    const customerId = input.customerId?.toLowerCase() ?? null
    const locked = await lockForOrder(customerId, productIdsOf(input), tx)
    if (!locked) return 'unknown customer'
    const { customer, products } = locked
    const errors = customerErrors(customer?.state, orderRequiresCustomer)
    const cart = buildCart(input, products, shopCurrency, errors)
    if (!cart) throw invalidOrderProblem(errors)
    const changed = priceChangedProblem(input, cart, products)
    if (changed) throw changed
    const short = declineIfShort(cart, products)
    if (short) return short
    const named = namedCustomer(customerId, customer)
    const row = await store({ values: newOrderRow(input, customerId, cart, actor), cart, named, products }, actor, tx)
    return { order: presentOrder({ row, lines: cart.lines, customer: named }) }
  }

  const store = async (
    { values, cart: { lines, demands }, named, products: locked }: OrderToStore,
    actor: Actor,
    tx: Tx,
  ): Promise<OrderRow> => {
    const parameters = insertOrderValues(values, lines, searchTextOf(lines, named))
    const [inserted] = await db.query<{ number: number }>(insertOrder, parameters, { tx, name: 'order_insert' })
    if (!inserted) throw new Error('the insert returned no order number')
    const row = { ...values, ...inserted }
    const placed = orderPlaced.of(presentEventData(row, lines), actorRef(actor))
    const reason = `order ${formatOrderNumber(row.number)}`
    const changes = sumByProduct(demands).map((demand) => ({
      ...demand,
      kind: 'order' as const,
      reason,
      orderId: row.id,
    }))
    if (changes.length === 0) await outbox.add(tx, placed)
    else await moveStock(tx, changes, actor, { locked, precedingEvents: [placed] })
    return row
  }

  /** Adds a customer whose events have not arrived yet to the projection. @returns whether it exists. @throws Problem 503 */
  const learnCustomer = async (id: string, actor: Actor): Promise<boolean> => {
    const found = await customerClient.find(id, actor)
    if (found) await db.transaction((tx) => customers.upsertIfNewer([found], tx))
    return found !== undefined
  }

  /** Publishes that an order was declined. If the request has its own transaction, the event is published after its commit. */
  const publishDeclined = async (customerId: string | null, short: Shortage[], actor: Actor): Promise<void> => {
    const event = orderDeclined.of({ id: newId(), customerId, short, version: 1 }, actorRef(actor))
    const publish = () => db.transaction((tx) => outbox.add(tx, event))
    const request = db.requestTransaction()
    if (request) afterCommit(request, publish)
    else await publish()
  }

  /** @throws Problem 403; 409 `price_changed`, `insufficient_stock`; 422; 503 */
  const place = async (input: NewOrder, actor: Actor): Promise<Order> => {
    checkAgreedPrices(input, actor)
    const attemptWithRetry = () => retryOnConflict(() => db.transaction((tx) => attempt(input, actor, tx)))
    let outcome = await attemptWithRetry()
    // In the transaction of an idempotent request there are no calls to other services: `prepare` has made them before.
    const mayCallCustomerService = !db.requestTransaction()
    if (
      outcome === 'unknown customer' &&
      mayCallCustomerService &&
      (await learnCustomer(input.customerId ?? '', actor))
    )
      outcome = await attemptWithRetry()
    if (outcome === 'unknown customer') throw unknownCustomerProblem()
    if ('order' in outcome) return outcome.order
    declined.inc()
    await publishDeclined(input.customerId ?? null, outcome.short, actor)
    throw outcome.declined
  }

  return {
    place,
    /** Adds an unknown customer to the projection, so that `place` need not call customer-service. @throws Problem 503 */
    prepare: async ({ customerId }: NewOrder, actor: Actor): Promise<void> => {
      if (customerId && !(await customers.exists(customerId))) await learnCustomer(customerId, actor)
    },
  }
}

const invalidOrderProblem = (errors: ProblemError[]): Problem =>
  new Problem('validation', {
    detail: `${errors.length} ${errors.length === 1 ? 'field is' : 'fields are'} not valid`,
    errors,
  })

/** The row of a new order. The insert assigns `number`. */
const newOrderRow = (
  input: NewOrder,
  customerId: string | null,
  cart: Cart,
  actor: Actor,
): Omit<OrderRow, 'number'> => {
  const id = newId()
  const { createdAt: placedAt, ...stamps } = newStamps(actor, placedAtOf(id))
  return {
    id,
    customerId,
    status: 'placed',
    total: cart.total,
    currency: cart.currency,
    note: input.note ?? null,
    metadata: mergeMetadata({}, input.metadata ?? {}),
    placedAt,
    fulfilledAt: null,
    cancelledAt: null,
    ...stamps,
  }
}
