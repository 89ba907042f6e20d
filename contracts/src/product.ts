import { z } from 'zod'
import { batchRef, batchResult, maxBatchItems } from './batch.ts'
import { event } from './event.ts'
import {
  ActorRef,
  deletedAt,
  documentedAs,
  line,
  paragraph,
  readOnly,
  recordKey,
  stamps,
  time,
  uuid,
} from './fields.ts'
import { photoLinkFields, photoLinks, photoMediaIdInput } from './media.ts'
import { amount, amountInput, currency } from './money.ts'

/** The maximum stock that clients set, and the maximum of a stock movement. */
export const maxStock = 1_000_000_000
/** Cancelled orders can raise the stock above {@link maxStock}, up to this. Such a stock can be sent as it was read. */
const maxStockAfterCancellations = 999_999_999_999

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
          { type: 'string', pattern: `^\\s*${min < 0 ? '-?' : ''}\\d{1,${String(max).length}}\\s*$` },
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
  stock: wholeNumber(0, maxStockAfterCancellations)
    .optional()
    .meta({
      example: 100,
      description: `The quantity in stock, up to ${maxStock}. A change becomes a stock movement. If orders or other movements have changed the stock since it was last set, a change needs \`If-Match\` (otherwise 428), because it would put back what was sold since the product was read.`,
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

const stockCount = z.int().min(0).max(maxStockAfterCancellations)

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

const fieldsOf = (schema: 'NewProduct' | 'ProductPatch') =>
  z.record(z.string(), z.unknown()).meta(documentedAs({ $ref: `#/components/schemas/${schema}` }))
const ref = batchRef(ProductIdBy)
/** One change in a batch. It names its product by `id`, or by `key` with `idBy`; a restore only by `id`. */
export const ProductBatchItem = z
  .discriminatedUnion('op', [
    z.strictObject({ op: z.literal('create'), data: fieldsOf('NewProduct') }).meta({ id: 'ProductBatchCreate' }),
    z
      .strictObject({ op: z.literal('update'), ...ref, data: fieldsOf('ProductPatch') })
      .meta({ id: 'ProductBatchUpdate' }),
    z.strictObject({ op: z.literal('delete'), ...ref }).meta({ id: 'ProductBatchDelete' }),
    z
      .strictObject({
        op: z.literal('restore'),
        id: z.string().max(300).meta({ format: 'uuid' }),
        version: ref.version,
      })
      .meta({ id: 'ProductBatchRestore' }),
  ])
  .meta({ id: 'ProductBatchItem' })
export type ProductBatchItem = z.infer<typeof ProductBatchItem>
export const ProductBatch = z
  .strictObject({ items: z.array(ProductBatchItem).min(1).max(maxBatchItems) })
  .meta({ id: 'ProductBatch' })
export const ProductBatchResult = batchResult('ProductBatch', { product: Product.optional() })
export type ProductBatchResult = z.infer<typeof ProductBatchResult>

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
    delta: z.int().min(-maxStockAfterCancellations).max(maxStockAfterCancellations),
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
