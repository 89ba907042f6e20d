import { NewProduct, type Product, type ProductEventData } from '@clientele/contracts/product'
import type { MediaLink } from '@clientele/features/photos/media-link'
import { pick } from '@clientele/platform/data/changes'
import { presentStamps } from '@clientele/platform/data/stamps'
import type { ProductRow } from './product.model.ts'
import { shownPrice } from './product.price.ts'

const fields = Object.keys(NewProduct.shape) as (keyof NewProduct)[]

/** A product as it stands in events. */
export const presentEvent = (row: ProductRow): ProductEventData => ({
  id: row.id,
  ...pick(row, fields),
  price: shownPrice(row.price, row.currency),
  ...presentStamps(row),
  archivedAt: row.archivedAt?.toISOString() ?? null,
})

/** A product as the API shows it. */
export const presentProduct = (row: ProductRow, photoLink: MediaLink): Product =>
  Object.assign(presentEvent(row), {
    photoUrl: row.photoMediaId === null ? null : photoLink(row.photoMediaId, 'medium'),
  })
