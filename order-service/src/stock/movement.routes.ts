import { pathKey } from '@clientele/contracts/fields'
import { InsufficientStock } from '@clientele/contracts/order'
import { page } from '@clientele/contracts/page'
import { NewStockMovement, StockMovement } from '@clientele/contracts/product'
import { type Api, created, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import { movementList } from './movement.list.ts'
import type { MovementService } from './movement.service.ts'

export type MovementRouteDeps = { movements: MovementService }

const shared = {
  path: '/v1/products/{key}/stock-movements',
  tag: 'Products',
  roles: ['user'],
  params: z.strictObject({ key: pathKey }),
} as const

export const movementRoutes = (api: Api, { movements }: MovementRouteDeps): void => {
  api.operation(
    {
      ...shared,
      method: 'get',
      operationId: 'listStockMovements',
      summary: "A product's stock movements, newest first",
      query: movementList.query,
      responses: { 200: page(StockMovement) },
    },
    async ({ params, query }) => ok(await movements.list(params, query)),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      operationId: 'createStockMovement',
      summary: 'Goods that came, were lost or were counted anew',
      body: NewStockMovement,
      responses: { 201: StockMovement, 409: InsufficientStock },
    },
    async ({ params, body, actor, ifMatch }) => {
      const movement = await movements.add(params, body, { actor, ifMatch })
      return created(movement, `/v1/products/${movement.productId}/stock-movements`)
    },
  )
}
