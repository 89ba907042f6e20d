import type { Product, ProductEventData } from '@clientele/contracts/product'
import type { MediaLink } from '@clientele/features/photos/media-link'
import type { ProductRow } from './product.model.ts'
import { shownPrice } from './product.price.ts'

/** A product as events tell of it. */
export const presentEvent = (row: ProductRow): ProductEventData => ({
  id: row.id,
  sku: row.sku,
  name: row.name,
  description: row.description,
  price: shownPrice(row.price, row.currency),
  currency: row.currency,
  stock: row.stock,
  lowStockAt: row.lowStockAt,
  active: row.active,
  photoMediaId: row.photoMediaId,
  createdAt: row.createdAt.toISOString(),
  createdBy: { id: row.createdBy, displayName: row.createdByName },
  updatedAt: row.updatedAt.toISOString(),
  updatedBy: { id: row.updatedBy, displayName: row.updatedByName },
  archivedAt: row.archivedAt?.toISOString() ?? null,
  version: row.version,
})

/** A product as the API shows it. */
export const presentProduct = (row: ProductRow, photoLink: MediaLink): Product =>
  Object.assign(presentEvent(row), {
    photoUrl: row.photoMediaId === null ? null : photoLink(row.photoMediaId, 'medium'),
  })
