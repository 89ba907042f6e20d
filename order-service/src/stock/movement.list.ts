import type { StockMovement } from '@clientele/contracts/product'
import { list } from '@clientele/platform/lists/list'
import { type MovementRow, movementAttributes } from './stock-movement.model.ts'

/** The ledger of one product. It is sorted by the product's version, because the clocks of two processes may differ. */
export const movementList = list<MovementRow>({
  table: 'stock_movements',
  columns: movementAttributes,
  sort: [{ name: 'createdAt', column: 'product_version' }],
  defaultSort: '-createdAt',
})

/** A movement as responses contain it. */
export const presentMovement = ({ createdAt, createdBy, createdByName, ...row }: MovementRow): StockMovement => ({
  ...row,
  createdAt: createdAt.toISOString(),
  createdBy: { id: createdBy, displayName: createdByName },
})
