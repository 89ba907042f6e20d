import { z } from 'zod'
import { event } from './event.ts'
import { ActorRef, line, paragraph, stamps, time, uuid } from './fields.ts'
import { amount, amountInput, currency } from './money.ts'

/** The most that a product can have in stock, and an order can ask of it. */
export const mostStock = 1_000_000_000

/** A whole number, also as a decimal string. */
const wholeNumber = (min: number, max: number) =>
  z
    .union(
      [
        z.int(),
        z
          .string()
          .trim()
          .regex(/^-?\d{1,12}$/, 'must be a whole number'),
      ],
      'must be a whole number',
    )
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .meta({
      override: {
        anyOf: [
          { type: 'integer', minimum: min, maximum: max },
          { type: 'string', pattern: `^\\s*${min < 0 ? '-?' : ''}\\d{1,9}\\s*$` },
        ],
      },
    })

const sku = line(64).meta({ example: 'RB-250' })
const stock = wholeNumber(0, mostStock).meta({ example: 100 })

const fields = {
  sku: sku.nullish().meta({ description: 'your own number of it; unique among products that are not archived' }),
  name: line(200).meta({ example: 'Red Bull 250 ml' }),
  description: paragraph(5_000).nullish(),
  price: amountInput,
  currency: currency.optional().meta({ description: "the shop's where absent" }),
  stock: stock.optional().meta({ description: 'what is there; a change of it becomes a stock movement' }),
  lowStockAt: stock.nullish().meta({ description: 'product.stock_low is told when the stock falls to this or below' }),
  active: z.boolean().optional().meta({ description: 'whether it can be ordered; true where absent' }),
  photoMediaId: uuid.nullish().meta({ description: 'a medium of media-service. A PUT without it keeps the photo' }),
}

/** POST and PUT of a product. A PUT without `stock` leaves the stock as it is. */
export const NewProduct = z.strictObject(fields).meta({ id: 'NewProduct' })
export type NewProduct = z.infer<typeof NewProduct>

/** PATCH: JSON Merge Patch (RFC 7396). */
export const ProductPatch = z
  .strictObject({ ...fields, name: fields.name.optional(), price: fields.price.optional() })
  .meta({ id: 'ProductPatch' })
export type ProductPatch = z.infer<typeof ProductPatch>

export const Product = z
  .object({
    id: uuid,
    sku: z.string().nullable(),
    name: z.string(),
    description: z.string().nullable(),
    price: amount,
    currency: z.string().meta({ example: 'EUR' }),
    stock: z.int(),
    lowStockAt: z.int().nullable(),
    active: z.boolean(),
    photoMediaId: uuid.nullable(),
    photoUrl: z.string().nullable().meta({ description: 'a time-limited signed link that needs no header' }),
    ...stamps,
    archivedAt: time
      .nullable()
      .meta({ description: 'in the trash since; an ordered product never leaves it for good' }),
  })
  .meta({ id: 'Product' })
export type Product = z.infer<typeof Product>

/** What a product can be addressed by besides its id. */
export const ProductIdBy = z.enum(['sku'])
export type ProductIdBy = z.infer<typeof ProductIdBy>

export const ProductPhoto = z.strictObject({ mediaId: uuid }).meta({ id: 'ProductPhoto' })
export type ProductPhoto = z.infer<typeof ProductPhoto>

/** A correction, delivery or loss of stock by hand. */
export const NewStockMovement = z
  .strictObject({
    delta: wholeNumber(-mostStock, mostStock)
      .refine((delta) => delta !== 0, 'must not be 0')
      .meta({ example: 100 }),
    reason: line(200).meta({ example: 'delivery 2026-117' }),
  })
  .meta({ id: 'NewStockMovement' })
export type NewStockMovement = z.infer<typeof NewStockMovement>

/** One line of a product's ledger; the stock is the sum of all `delta`. */
export const StockMovement = z
  .object({
    id: uuid,
    productId: uuid,
    delta: z.int(),
    stockAfter: z.int(),
    kind: z.enum(['initial', 'manual', 'order', 'cancellation']),
    reason: z.string(),
    orderId: uuid.nullable(),
    createdAt: time,
    createdBy: ActorRef,
  })
  .meta({ id: 'StockMovement' })
export type StockMovement = z.infer<typeof StockMovement>

const ProductEventData = Product.omit({ photoUrl: true })
/** A product as events tell of it: without the signed link. */
export type ProductEventData = z.infer<typeof ProductEventData>
export const productCreated = event('product.created.v1', ProductEventData)
export const productUpdated = event('product.updated.v1', ProductEventData)
export const productArchived = event('product.archived.v1', ProductEventData)
export const productRestored = event('product.restored.v1', ProductEventData)
/** Gone for good; only a product that was never ordered can be. */
export const productPurged = event('product.purged.v1', ProductEventData)

const StockEventData = z.object({
  id: uuid,
  sku: z.string().nullable(),
  name: z.string(),
  stock: z.int(),
  lowStockAt: z.int().nullable(),
  movement: StockMovement,
  version: z.int().min(1),
})
export const productStockChanged = event('product.stock_changed.v1', StockEventData)
/** Once for each time the stock falls from above `lowStockAt` to it or below. */
export const productStockLow = event('product.stock_low.v1', StockEventData)
export const productEvents = [
  productCreated,
  productUpdated,
  productArchived,
  productRestored,
  productPurged,
  productStockChanged,
  productStockLow,
]
