import type { StockMovement } from '@clientele/contracts/product'
import { list } from '@clientele/platform/lists/list'

export type MovementRow = Omit<StockMovement, 'createdAt' | 'createdBy'> & {
  createdAt: Date
  createdBy: string
  createdByName: string
}

/** The ledger of one product. Its order is that of the product's versions: clocks of two processes may differ. */
export const movementList = list<MovementRow>({
  table: 'stock_movements',
  columns: [
    ...['id', 'productId', 'delta', 'stockAfter', 'kind', 'reason', 'orderId'],
    ...['createdAt', 'createdBy', 'createdByName'],
  ],
  sort: [{ name: 'createdAt', column: 'product_version' }],
  defaultSort: '-createdAt',
})

/** A movement as the API shows it. */
export const presentMovement = ({ createdAt, createdBy, createdByName, ...row }: MovementRow): StockMovement => ({
  ...row,
  createdAt: createdAt.toISOString(),
  createdBy: { id: createdBy, displayName: createdByName },
})
