import { pathKey } from '@clientele/contracts/fields'
import { InsufficientStock, NewOrder, Order, OrderIdBy, OrderPatch } from '@clientele/contracts/order'
import { page } from '@clientele/contracts/page'
import { ProblemBody } from '@clientele/contracts/problem'
import { type Api, created, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import { orderList } from './order.list.ts'
import type { OrderService } from './order.service.ts'

export type OrderRouteDeps = { orders: OrderService }

const shared = { tag: 'Orders', roles: ['user'] } as const
const params = z.strictObject({ key: pathKey })
const idBy = OrderIdBy.optional().meta({ description: 'what {key} is; the id where absent' })
const query = z.strictObject({ idBy })

export const orderRoutes = (api: Api, { orders }: OrderRouteDeps): void => {
  api.operation(
    {
      ...shared,
      method: 'get',
      path: '/v1/orders',
      operationId: 'listOrders',
      summary: 'Orders, newest first',
      description: 'One’s own are listed with `createdBy=me`.',
      query: orderList.query,
      responses: { 200: page(Order) },
    },
    async ({ query, actor }) => ok(await orders.list(query, actor)),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: '/v1/orders',
      operationId: 'createOrder',
      summary: 'Places an order: all of its lines or none',
      description:
        'What is ordered of products leaves the stock at once. Where any of it is not there, the answer is 409 `insufficient_stock` naming each short line, and nothing was ordered.',
      body: NewOrder,
      responses: { 201: Order, 409: z.union([InsufficientStock, ProblemBody]) },
    },
    async ({ body, actor }) => {
      const order = await orders.place(body, actor)
      return created(order, `/v1/orders/${order.id}`)
    },
    { beforeTransaction: async ({ body, actor }) => orders.prepare(body, actor) },
  )

  api.operation(
    {
      ...shared,
      method: 'get',
      path: '/v1/orders/{key}',
      operationId: 'getOrder',
      summary: 'One order',
      params,
      query,
      responses: { 200: Order },
    },
    async ({ params, query }) => ok(await orders.get({ ...params, ...query })),
  )

  api.operation(
    {
      ...shared,
      method: 'patch',
      path: '/v1/orders/{key}',
      operationId: 'patchOrder',
      summary: 'Changes note and metadata',
      description: 'JSON Merge Patch (RFC 7396): null empties a field; `metadata` is merged. The deal itself stays.',
      params,
      query,
      body: OrderPatch,
      responses: { 200: Order },
    },
    async ({ params, query, body, actor, ifMatch }) =>
      ok(await orders.patch({ ...params, ...query }, body, { actor, ifMatch })),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: '/v1/orders/{key}/cancel',
      operationId: 'cancelOrder',
      summary: 'Takes a placed order back and puts its goods in stock again',
      description: 'Repeated, it answers with the same order and changes nothing.',
      params,
      responses: { 200: Order, 409: ProblemBody },
    },
    async ({ params, actor, ifMatch }) => ok(await orders.cancel(params, { actor, ifMatch })),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: '/v1/orders/{key}/fulfil',
      operationId: 'fulfilOrder',
      summary: 'Closes a placed order: its goods were handed over',
      description: 'Repeated, it answers with the same order and changes nothing.',
      params,
      responses: { 200: Order, 409: ProblemBody },
    },
    async ({ params, actor, ifMatch }) => ok(await orders.fulfil(params, { actor, ifMatch })),
  )
}
