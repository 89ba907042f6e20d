import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { gauge } from '@clientele/platform/runtime/telemetry'

const intervalMs = 30_000

/** Counts the active products that are low on stock, up to 10,000. The index `products_low_stock` contains these and inactive ones. */
export const countLowStock = `select count(*)::int as count from (
  select from products where active and archived_at is null and low_stock_at is not null and stock <= low_stock_at limit 10000
) as low`

/** Measures how many products are low on stock. */
export const lowStockTask = ({ db, log }: { db: Db; log: Log }): Task => {
  const products = gauge('products_low_stock', 'Active products that are low on stock, counted up to 10,000')
  return periodicTask({
    name: 'low-stock',
    intervalMs,
    runAtStart: true,
    log,
    run: async () => {
      const [row] = await db.query<{ count: number }>(countLowStock)
      products.set(row?.count ?? 0)
    },
  })
}
