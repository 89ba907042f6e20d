import { includeParameter } from '@clientele/contracts/customer-ref'
import {
  InsufficientStock,
  NewOrder,
  Order,
  OrderBatch,
  OrderBatchResult,
  OrderIdBy,
  OrderPatch,
  PriceChanged,
} from '@clientele/contracts/order'
import { page } from '@clientele/contracts/page'
import { idByParameter, keyParameter } from '@clientele/contracts/parameters'
import { ProblemBody } from '@clientele/contracts/problem'
import { type Api, created, multiStatus, ok } from '@clientele/platform/http/api'
import { isUniform } from '@clientele/platform/http/batch'
import { timeToStop } from '@clientele/platform/http/gateway-timeout'
import { z } from 'zod'
import { batchOrders } from './order.batch.ts'
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
      description:
        '`createdBy=me` lists the orders of the signed-in user. `q` searches order numbers, codes and names of customers, and descriptions of lines. A whole order number or customer code finds only that order, or the orders of that customer.',
      query: orderList.queryWith({ include: includeParameter }),
      responses: { 200: page(Order) },
    },
    async ({ query: { include, ...query }, actor }) => ok(await orders.list(query, actor, include)),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: '/v1/orders',
      operationId: 'createOrder',
      summary: 'Place an order',
      description:
        'All lines are ordered or none. The ordered quantities leave the stock at once. If the stock of a product is too low, no order is placed, and the response is 409 `insufficient_stock`, which names each line that cannot be delivered. With `expectedPrice` of a line or `expectedTotal`, the order is placed only at the prices that the buyer has seen; otherwise the response is 409 `price_changed` with the present ones.',
      body: NewOrder,
      maxBodyBytes,
      responses: { 201: Order, 409: z.union([InsufficientStock, PriceChanged, ProblemBody]) },
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
      method: 'post',
      path: '/v1/orders/batch',
      operationId: 'batchOrders',
      summary: 'Fulfil or cancel up to 500 orders in one request',
      description:
        'Each item succeeds or fails by itself, as the routes for one order do. 200 means that all items succeeded with the same status; otherwise the response is 207. Items that the batch has no time for, usually after 15 seconds, have the status 503 and were not tried: send them again. A batch can be sent again as it is, because an order that is fulfilled or cancelled already stays as it is; so there is no `Idempotency-Key`.',
      body: OrderBatch,
      maxBodyBytes,
      itemsOf: ({ items }) => items.length,
      // In the one transaction of an Idempotency-Key the products would stay locked until the last item, and their buyers would wait.
      idempotent: false,
      responses: { 200: OrderBatchResult, 207: OrderBatchResult },
    },
    async ({ body, actor, req }) => {
      const result = await batchOrders(orders, body.items, actor, timeToStop(req))
      return isUniform(result) ? ok(result) : multiStatus(result)
    },
  )

  api.operation(
    {
      ...shared,
      method: 'get',
      path: '/v1/orders/{key}',
      operationId: 'getOrder',
      summary: 'Get an order',
      params,
      query: query.extend({ include: includeParameter }),
      responses: { 200: Order },
    },
    async ({ params, query: { idBy, include }, actor }) => ok(await orders.get({ ...params, idBy }, actor, include)),
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
      current: ({ params, query, actor }) => orders.get({ ...params, ...query }, actor),
      linked: ['customer'],
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
