import { z } from 'zod'
import { batchRef, batchResult, maxBatchItems } from './batch.ts'
import { CustomerRef } from './customer-ref.ts'
import { event } from './event.ts'
import { line, metadata, paragraph, readOnly, stamps, time, uuid } from './fields.ts'
import { amount, amountInput, currency, totalInput } from './money.ts'
import { ProblemBody, ProblemError } from './problem.ts'

/** The maximum number of lines of an order. */
export const maxLines = 200
const quantity = z.int().min(1).max(1_000_000).meta({ example: 15 })

/** A line for a product from stock, under its current name and at its current price or an agreed one. */
const NewProductLine = z
  .strictObject({
    productId: uuid,
    quantity,
    expectedPrice: amountInput.optional().meta({
      description:
        'The price of the product that the buyer has seen. If the product has another one, no order is placed: 409 `price_changed`.',
    }),
    unitPrice: amountInput.optional().meta({
      description: 'An agreed price instead of the price of the product. Only users with the role `admin` can set it.',
    }),
  })
  .meta({ id: 'NewProductLine' })
/** A line of free text, for something without stock. */
const NewTextLine = z
  .strictObject({ description: line(500), unitPrice: amountInput, quantity: quantity.default(1) })
  .meta({ id: 'NewTextLine' })

const eitherLine =
  'either productId and quantity (and optionally expectedPrice and unitPrice), or description and unitPrice (and optionally quantity, default 1)'
const lineDescription =
  'Either a product: `productId` and `quantity`, and optionally `expectedPrice` and an agreed `unitPrice`; or free text: `description`, `unitPrice` and optionally `quantity` (default 1).'
export const NewOrderLine = z
  .union([NewProductLine, NewTextLine], `must have ${eitherLine}`)
  .meta({ id: 'NewOrderLine', description: lineDescription })
export type NewOrderLine = z.infer<typeof NewOrderLine>

export const NewOrder = z
  .strictObject({
    customerId: uuid.nullish(),
    lines: z.array(NewOrderLine).min(1).max(maxLines),
    currency: currency.optional().meta({
      description:
        'It must be the currency of the products. Default: the currency of the products, or of the shop if there are none.',
    }),
    expectedTotal: totalInput.optional().meta({
      description: 'The total that the buyer has seen. If it is another one, no order is placed: 409 `price_changed`.',
    }),
    note: paragraph(5_000).nullish(),
    metadata: metadata.nullish(),
  })
  .meta({ id: 'NewOrder' })
export type NewOrder = z.infer<typeof NewOrder>

/** A PATCH of an order: a JSON Merge Patch (RFC 7396). Lines and amounts cannot change. */
export const OrderPatch = z
  .strictObject({ note: paragraph(5_000).nullish(), metadata: metadata.nullish() })
  .meta({ id: 'OrderPatch' })
export type OrderPatch = z.infer<typeof OrderPatch>

export const OrderLine = z
  .object({
    id: uuid,
    productId: uuid.nullable(),
    description: z.string().meta({ description: 'The name of the product when it was ordered, or the free text.' }),
    quantity: z.int().min(1),
    unitPrice: amount,
    lineTotal: amount,
  })
  .meta({ id: 'OrderLine' })
export type OrderLine = z.infer<typeof OrderLine>

export const OrderStatus = z.enum(['placed', 'fulfilled', 'cancelled']).meta({ id: 'OrderStatus' })
export type OrderStatus = z.infer<typeof OrderStatus>

export const Order = z
  .object({
    id: readOnly(uuid),
    number: z.string().meta({
      example: 'ORD-000123',
      description: 'Later orders have greater numbers. There may be gaps.',
      readOnly: true,
    }),
    customerId: uuid.nullable().meta({
      description: 'Null if the order was placed without a customer, or the customer was purged.',
      readOnly: true,
    }),
    customer: CustomerRef.nullable().meta({
      description:
        'Who the customer is now, also in the trash. Null without a customer, after a purge, and for a moment while the customer is not known yet.',
      readOnly: true,
    }),
    status: readOnly(OrderStatus),
    lines: readOnly(z.array(OrderLine)),
    total: readOnly(amount),
    currency: z.string().meta({ example: 'EUR', readOnly: true }),
    note: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    placedAt: readOnly(time),
    fulfilledAt: readOnly(time.nullable()),
    cancelledAt: readOnly(time.nullable()),
    createdBy: stamps.createdBy,
    updatedAt: stamps.updatedAt,
    updatedBy: stamps.updatedBy,
    version: stamps.version,
  })
  .meta({ id: 'Order' })
export type Order = z.infer<typeof Order>

/** The fields by which a path can name an order, besides its id. */
export const OrderIdBy = z.enum(['number'])
export type OrderIdBy = z.infer<typeof OrderIdBy>

/** One change in a batch. It names its order by `id`, or by `key` with `idBy`. */
export const OrderBatchItem = z
  .strictObject({ op: z.enum(['fulfil', 'cancel']), ...batchRef(OrderIdBy) })
  .meta({ id: 'OrderBatchItem' })
export type OrderBatchItem = z.infer<typeof OrderBatchItem>
export const OrderBatch = z
  .strictObject({ items: z.array(OrderBatchItem).min(1).max(maxBatchItems) })
  .meta({ id: 'OrderBatch' })
export const OrderBatchResult = batchResult('OrderBatch', { order: Order.optional() })
export type OrderBatchResult = z.infer<typeof OrderBatchResult>

/** The 409 `insufficient_stock`: one error per line that cannot be delivered. `requested` is the sum of a product's lines. */
export const InsufficientStock = ProblemBody.extend({
  errors: z.array(ProblemError.extend({ requested: z.int().min(0), available: z.int().min(0) })),
}).meta({ id: 'InsufficientStockProblem' })

/** The 409 `price_changed`: one error per line, and one for the total, with another value than the request expects. */
export const PriceChanged = ProblemBody.extend({
  errors: z.array(ProblemError.extend({ expected: amount, current: amount })),
}).meta({ id: 'PriceChangedProblem' })

export const SummaryInterval = z.enum(['hour', 'day', 'week', 'month']).meta({ id: 'SummaryInterval' })

/**
 * Orders and revenue per interval and currency. Cancelled orders are not counted. Every interval of the range has a row for each
 * currency of the range, with zeros if there were no orders; without any order, the currency is that of the shop.
 */
export const OrderSummary = z
  .object({
    interval: SummaryInterval,
    timeZone: z.string().meta({ example: 'Africa/Nairobi' }),
    from: time,
    to: time,
    data: z.array(z.object({ start: time, currency: z.string(), orders: z.int().min(0), revenue: amount })),
  })
  .meta({ id: 'OrderSummary' })
export type OrderSummary = z.infer<typeof OrderSummary>

const OrderEventData = Order.omit({ customer: true })
/** An order as events contain it: without the customer's name, which the events of customers have. */
export type OrderEventData = z.infer<typeof OrderEventData>
export const orderPlaced = event('order.placed.v1', OrderEventData)
/** The note or the metadata changed, or the order was anonymised. */
export const orderUpdated = event('order.updated.v1', OrderEventData)
export const orderFulfilled = event('order.fulfilled.v1', OrderEventData)
export const orderCancelled = event('order.cancelled.v1', OrderEventData)
/** An order was declined because of insufficient stock. It is not stored; `subject` is an id that exists only in this event. */
export const orderDeclined = event(
  'order.declined.v1',
  z.object({
    id: uuid,
    customerId: uuid.nullable(),
    short: z.array(z.object({ productId: uuid, requested: z.int().min(1), available: z.int().min(0) })),
    version: z.int().min(1),
  }),
)
export const orderEvents = [orderPlaced, orderUpdated, orderFulfilled, orderCancelled, orderDeclined]
