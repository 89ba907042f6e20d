import { NewProduct, type Product, type ProductEventData } from '@clientele/contracts/product'
import { type MediaLink, presentPhotoLinks } from '@clientele/features/photos/media-link'
import { pick } from '@clientele/platform/data/changes'
import { presentStamps } from '@clientele/platform/data/stamps'
import type { ProductRow } from './product.model.ts'
import { formatPrice } from './product.price.ts'

const fields = Object.keys(NewProduct.shape) as (keyof NewProduct)[]

/** A product as events contain it. */
export const presentEventData = (row: ProductRow): ProductEventData => ({
  id: row.id,
  ...pick(row, fields),
  price: formatPrice(row.price, row.currency),
  ...presentStamps(row),
  deletedAt: row.deletedAt?.toISOString() ?? null,
})

/** A product as responses contain it. */
export const presentProduct = (row: ProductRow, photoLink: MediaLink): Product =>
  Object.assign(presentEventData(row), presentPhotoLinks(row.photoMediaId, photoLink))
