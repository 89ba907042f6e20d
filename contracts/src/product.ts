import { z } from 'zod'
import { event } from './event.ts'
import { ActorRef, deletedAt, line, paragraph, readOnly, recordKey, stamps, time, uuid } from './fields.ts'
import { photoLinkFields, photoLinks, photoMediaIdInput } from './media.ts'
import { amount, amountInput, currency } from './money.ts'

/** The maximum stock of a product, and the maximum of a stock movement. */
export const maxStock = 1_000_000_000

/** Creates the schema of an integer, as a number or a decimal string. */
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

const sku = recordKey(64).meta({ example: 'RB-250' })
const stock = wholeNumber(0, maxStock).meta({ example: 100 })

const fields = {
  sku: sku.nullish().meta({
    description:
      'Your own number of the product. It is unique among products that are not in the trash. It must not contain `/` or `\\`, because paths name the product by it.',
  }),
  name: line(200).meta({ example: 'Red Bull 250 ml' }),
  description: paragraph(5_000).nullish(),
  price: amountInput,
  currency: currency.optional().meta({ description: 'Default: the currency of the shop.' }),
  stock: stock.optional().meta({
    description:
      'The quantity in stock. A change becomes a stock movement. Send it with `If-Match` only, or leave it out: what was sold since you read the product would be put back otherwise.',
  }),
  lowStockAt: stock.nullish().meta({
    description: 'When the stock falls to this value or below, the event `product.stock_low.v1` is published.',
  }),
  active: z.boolean().optional().meta({ description: 'Whether the product can be ordered. Default: true.' }),
  photoMediaId: photoMediaIdInput,
}

/** The body of POST and PUT. A PUT without `stock` leaves the stock as it is. */
export const NewProduct = z.strictObject(fields).meta({ id: 'NewProduct' })
export type NewProduct = z.infer<typeof NewProduct>

/** The body of PATCH: a JSON Merge Patch (RFC 7396). */
export const ProductPatch = z
  .strictObject({ ...fields, name: fields.name.optional(), price: fields.price.optional() })
  .meta({ id: 'ProductPatch' })
export type ProductPatch = z.infer<typeof ProductPatch>

const stockCount = z.int().min(0).max(maxStock)

export const Product = z
  .object({
    id: readOnly(uuid),
    sku: z.string().nullable(),
    name: z.string(),
    description: z.string().nullable(),
    price: amount,
    currency: z.string().meta({ example: 'EUR' }),
    stock: stockCount,
    lowStockAt: stockCount.nullable(),
    active: z.boolean(),
    photoMediaId: uuid.nullable(),
    ...photoLinks,
    ...stamps,
    deletedAt: deletedAt('product'),
  })
  .meta({ id: 'Product' })
export type Product = z.infer<typeof Product>

/** The fields by which a path can name a product, besides its id. */
export const ProductIdBy = z.enum(['sku'])
export type ProductIdBy = z.infer<typeof ProductIdBy>

export const ProductPhoto = z.strictObject({ mediaId: uuid }).meta({ id: 'ProductPhoto' })
export type ProductPhoto = z.infer<typeof ProductPhoto>

/** A manual stock movement: a delivery, a loss or a correction. */
export const NewStockMovement = z
  .strictObject({
    delta: wholeNumber(-maxStock, maxStock)
      .refine((delta) => delta !== 0, 'must not be 0')
      .meta({ example: 100 }),
    reason: line(200).meta({ example: 'delivery 2026-117' }),
  })
  .meta({ id: 'NewStockMovement' })
export type NewStockMovement = z.infer<typeof NewStockMovement>

export const StockMovementKind = z
  .enum(['initial', 'manual', 'order', 'cancellation'])
  .meta({ id: 'StockMovementKind' })

/** An entry of a product's ledger. The stock is the sum of all `delta`. */
export const StockMovement = z
  .object({
    id: uuid,
    productId: uuid,
    delta: z.int().min(-maxStock).max(maxStock),
    stockAfter: stockCount,
    kind: StockMovementKind,
    reason: z.string(),
    orderId: uuid.nullable(),
    createdAt: time,
    createdBy: ActorRef,
  })
  .meta({ id: 'StockMovement' })
export type StockMovement = z.infer<typeof StockMovement>

const ProductEventData = Product.omit(photoLinkFields)
/** A product as events contain it: without the signed links to its photo. */
export type ProductEventData = z.infer<typeof ProductEventData>
export const productCreated = event('product.created.v1', ProductEventData)
export const productUpdated = event('product.updated.v1', ProductEventData)
/** The product was moved to the trash. */
export const productArchived = event('product.archived.v1', ProductEventData)
export const productRestored = event('product.restored.v1', ProductEventData)
/** The product was purged. Only a product that was never ordered can be purged. */
export const productPurged = event('product.purged.v1', ProductEventData)

const StockEventData = z.object({
  id: uuid,
  sku: z.string().nullable(),
  name: z.string(),
  stock: stockCount,
  lowStockAt: stockCount.nullable(),
  movement: StockMovement,
  version: z.int().min(1),
})
export const productStockChanged = event('product.stock_changed.v1', StockEventData)
/** Published each time the stock falls from above `lowStockAt` to that value or below. */
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
