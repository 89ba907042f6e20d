import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import { gauge } from '@clientele/platform/runtime/telemetry'

const intervalMs = 30_000

/** How many products have run low; their index `products_low` holds these and no others. */
export const lowStock = `select count(*)::int as count from (
  select from products where active and archived_at is null and low_stock_at is not null and stock <= low_stock_at limit 10000
) as low`

/** Shows in the metrics how many products have run low. */
export const lowStockTask = ({ db, log }: { db: Db; log: Log }): Task => {
  const products = gauge('products_low_stock', 'Products on sale that have run low, counted up to 10,000')
  return every({
    name: 'low-stock',
    intervalMs,
    runAtStart: true,
    log,
    run: async () => {
      const [row] = await db.query<{ count: number }>(lowStock)
      products.set(row?.count ?? 0)
    },
  })
}
