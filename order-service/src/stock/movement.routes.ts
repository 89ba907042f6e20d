import { InsufficientStock } from '@clientele/contracts/order'
import { page } from '@clientele/contracts/page'
import { idByParameter, keyParameter } from '@clientele/contracts/parameters'
import { ProblemBody } from '@clientele/contracts/problem'
import { NewStockMovement, ProductIdBy, StockMovement } from '@clientele/contracts/product'
import { type Api, created, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import { movementList } from './movement.list.ts'
import type { MovementService } from './movement.service.ts'

export type MovementRouteDeps = { movements: MovementService }

const shared = {
  path: '/v1/products/{key}/stock-movements',
  tag: 'Products',
  roles: ['user'],
  params: z.strictObject({ key: keyParameter('product') }),
} as const
const idBy = idByParameter(ProductIdBy)

export const movementRoutes = (api: Api, { movements }: MovementRouteDeps): void => {
  api.operation(
    {
      ...shared,
      method: 'get',
      operationId: 'listStockMovements',
      summary: 'List the stock movements of a product, newest first',
      query: movementList.queryWith({ idBy }),
      responses: { 200: page(StockMovement) },
    },
    async ({ params, query: { idBy: field, ...query } }) =>
      ok(await movements.list({ ...params, idBy: idBy.parse(field) }, query)),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      operationId: 'createStockMovement',
      summary: 'Create a stock movement',
      description:
        'Use it for a delivery, a loss or a correction. If the stock would fall below zero, the response is 409 `insufficient_stock`.',
      query: z.strictObject({ idBy }),
      body: NewStockMovement,
      responses: { 201: StockMovement, 409: z.union([InsufficientStock, ProblemBody]) },
    },
    async ({ params, query, body, actor, ifMatch }) => {
      const movement = await movements.add({ ...params, ...query }, body, { actor, ifMatch })
      return created(movement, `/v1/products/${movement.productId}/stock-movements`)
    },
  )
}
