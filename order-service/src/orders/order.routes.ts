import { InsufficientStock, NewOrder, Order, OrderIdBy, OrderPatch } from '@clientele/contracts/order'
import { page } from '@clientele/contracts/page'
import { idByParameter, keyParameter } from '@clientele/contracts/parameters'
import { ProblemBody } from '@clientele/contracts/problem'
import { type Api, created, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import { orderList } from './order.list.ts'
import type { OrderService } from './order.service.ts'

export type OrderRouteDeps = { orders: OrderService }

const shared = { tag: 'Orders', roles: ['user'] } as const
const params = z.strictObject({ key: keyParameter('order') })
const query = z.strictObject({ idBy: idByParameter(OrderIdBy) })

/** Metadata of 50 texts of 1,000 characters and 200 lines, of up to 6 bytes a character. */
const maxBodyBytes = 800_000

export const orderRoutes = (api: Api, { orders }: OrderRouteDeps): void => {
  api.operation(
    {
      ...shared,
      method: 'get',
      path: '/v1/orders',
      operationId: 'listOrders',
      summary: 'List orders, newest first',
      description: '`createdBy=me` lists the orders of the signed-in user.',
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
      summary: 'Place an order',
      description:
        'All lines are ordered or none. The ordered quantities leave the stock at once. If the stock of a product is too low, no order is placed, and the response is 409 `insufficient_stock`, which names each line that cannot be delivered.',
      body: NewOrder,
      maxBodyBytes,
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
      summary: 'Get an order',
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
      operationId: 'updateOrder',
      summary: 'Update the note and the metadata of an order',
      description:
        'The body is a JSON Merge Patch (RFC 7396): null empties a field, and `metadata` is merged. Lines and amounts cannot change. Read-only fields may be sent as they were read.',
      params,
      query,
      current: ({ params, query }) => orders.get({ ...params, ...query }),
      body: OrderPatch,
      maxBodyBytes,
      responses: { 200: Order },
    },
    async ({ params, query, body, actor, ifMatch }) =>
      ok(await orders.update({ ...params, ...query }, body, { actor, ifMatch })),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: '/v1/orders/{key}/cancel',
      operationId: 'cancelOrder',
      summary: 'Cancel a placed order',
      description:
        'The quantities of its products return to the stock. If the order is cancelled already, nothing changes. A fulfilled order cannot be cancelled.',
      params,
      query,
      responses: { 200: Order, 409: ProblemBody },
    },
    async ({ params, query, actor, ifMatch }) => ok(await orders.cancel({ ...params, ...query }, { actor, ifMatch })),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: '/v1/orders/{key}/fulfil',
      operationId: 'fulfilOrder',
      summary: 'Mark a placed order as fulfilled',
      description: 'If the order is fulfilled already, nothing changes. A cancelled order cannot be fulfilled.',
      params,
      query,
      responses: { 200: Order, 409: ProblemBody },
    },
    async ({ params, query, actor, ifMatch }) => ok(await orders.fulfil({ ...params, ...query }, { actor, ifMatch })),
  )
}
