import { z } from 'zod'
import { event } from './event.ts'
import { line, metadata, paragraph, stamps, time, uuid } from './fields.ts'
import { amount, amountInput, currency } from './money.ts'
import { ProblemBody, ProblemError } from './problem.ts'

/** The most lines that an order may have. */
export const mostLines = 200
const quantity = z.int().min(1).max(1_000_000).meta({ example: 15 })

/** Goods from stock: price and name are those of the product at that moment. */
const NewProductLine = z.strictObject({ productId: uuid, quantity })
/** Anything else, without stock. */
const NewTextLine = z.strictObject({ description: line(500), unitPrice: amountInput, quantity: quantity.default(1) })

const eitherLine = 'either productId and quantity, or description and unitPrice (and quantity, 1 where absent)'
export const NewOrderLine = z
  .union([NewProductLine, NewTextLine], `must have ${eitherLine}`)
  .meta({ id: 'NewOrderLine', description: eitherLine })
export type NewOrderLine = z.infer<typeof NewOrderLine>

export const NewOrder = z
  .strictObject({
    customerId: uuid.nullish(),
    lines: z.array(NewOrderLine).min(1).max(mostLines),
    currency: currency
      .optional()
      .meta({ description: "of text lines; that of the products, or the shop's, where absent" }),
    note: paragraph(5_000).nullish(),
    metadata: metadata.nullish(),
  })
  .meta({ id: 'NewOrder' })
export type NewOrder = z.infer<typeof NewOrder>

/** PATCH: JSON Merge Patch (RFC 7396) of what is not part of the deal. */
export const OrderPatch = z
  .strictObject({ note: paragraph(5_000).nullish(), metadata: metadata.nullish() })
  .meta({ id: 'OrderPatch' })
export type OrderPatch = z.infer<typeof OrderPatch>

export const OrderLine = z
  .object({
    id: uuid,
    productId: uuid.nullable(),
    description: z.string().meta({ description: "a product's name when it was ordered, or the free text" }),
    quantity: z.int(),
    unitPrice: amount,
    lineTotal: amount,
  })
  .meta({ id: 'OrderLine' })
export type OrderLine = z.infer<typeof OrderLine>

export const OrderStatus = z.enum(['placed', 'fulfilled', 'cancelled'])
export type OrderStatus = z.infer<typeof OrderStatus>

export const Order = z
  .object({
    id: uuid,
    number: z.string().meta({ example: 'ORD-000123', description: 'grows, but may leave numbers out' }),
    customerId: uuid
      .nullable()
      .meta({ description: 'null for a sale to nobody known, and after the customer was purged' }),
    status: OrderStatus,
    lines: z.array(OrderLine),
    total: amount,
    currency: z.string().meta({ example: 'EUR' }),
    note: z.string().nullable(),
    metadata: z.record(z.string(), z.unknown()),
    placedAt: time,
    fulfilledAt: time.nullable(),
    cancelledAt: time.nullable(),
    createdBy: stamps.createdBy,
    updatedAt: stamps.updatedAt,
    updatedBy: stamps.updatedBy,
    version: stamps.version,
  })
  .meta({ id: 'Order' })
export type Order = z.infer<typeof Order>

/** What an order can be addressed by besides its id. */
export const OrderIdBy = z.enum(['number'])
export type OrderIdBy = z.infer<typeof OrderIdBy>

/** 409 `insufficient_stock`: every line that cannot be delivered; lines of one product are counted together. */
export const InsufficientStock = ProblemBody.extend({
  errors: z.array(ProblemError.extend({ requested: z.int(), available: z.int() })),
}).meta({ id: 'InsufficientStockProblem' })

/** Orders and revenue of one interval and currency; cancelled orders are not counted. */
export const OrderSummary = z
  .object({
    interval: z.enum(['hour', 'day', 'week', 'month']),
    from: time,
    to: time,
    data: z.array(z.object({ start: time, currency: z.string(), orders: z.int(), revenue: amount })),
  })
  .meta({ id: 'OrderSummary' })
export type OrderSummary = z.infer<typeof OrderSummary>

export const orderPlaced = event('order.placed.v1', Order)
/** Note or metadata changed, or the customer was purged. */
export const orderUpdated = event('order.updated.v1', Order)
export const orderFulfilled = event('order.fulfilled.v1', Order)
export const orderCancelled = event('order.cancelled.v1', Order)
/** An order that could not be delivered; nothing of it is stored. `subject` is an id of its own. */
export const orderDeclined = event(
  'order.declined.v1',
  z.object({
    id: uuid,
    customerId: uuid.nullable(),
    short: z.array(z.object({ productId: uuid, requested: z.int(), available: z.int() })),
    version: z.int().min(1),
  }),
)
export const orderEvents = [orderPlaced, orderUpdated, orderFulfilled, orderCancelled, orderDeclined]
