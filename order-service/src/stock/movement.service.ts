import type { Page } from '@clientele/contracts/page'
import { maxStock, type NewStockMovement, type StockMovement } from '@clientele/contracts/product'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import type { UserNames } from '@clientele/platform/data/user-names'
import type { IfMatch } from '@clientele/platform/http/if-match'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { ProductFinder, ProductKey } from '../products/product.finder.ts'
import { movementList, presentMovement } from './movement.list.ts'
import { moveStock } from './stock.ts'

type Deps = { db: Db; finder: ProductFinder; userNames: UserNames }
type Access = { actor: Actor; ifMatch?: IfMatch }

export type MovementService = ReturnType<typeof createMovementService>

export const createMovementService = ({ db, finder, userNames }: Deps) => ({
  /** Lists the movements of a product, which may be in the trash. */
  list: async (key: ProductKey, query: Record<string, unknown>): Promise<Page<StockMovement>> => {
    const { id } = await finder.get(key, 'any')
    const { rows, page } = await movementList.run(db, query, { where: (bind) => `product_id = ${bind(id)}` })
    return { data: (await userNames.withCurrentNames(rows)).map(presentMovement), page }
  },

  /** @throws Problem 404, 412; 409 `insufficient_stock`; 422 */
  add: (key: ProductKey, { delta, reason }: NewStockMovement, { actor, ifMatch }: Access): Promise<StockMovement> =>
    db.transaction(async (tx) => {
      const product = await finder.lock(key, tx, { ifMatch })
      if (product.stock + delta > maxStock)
        throw fieldProblem(
          '/delta',
          'too_big',
          `must leave at most ${maxStock} in stock; the stock is ${product.stock}`,
        )
      const change = { productId: product.id, delta, kind: 'manual', reason, orderId: null, pointer: '/delta' } as const
      const { movements } = await moveStock(tx, [change], actor, { locked: new Map([[product.id, product]]) })
      const [movement] = movements
      if (!movement) throw new Error('moveStock returned no movement')
      return movement
    }),
})
