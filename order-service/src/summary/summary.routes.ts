import { OrderSummary } from '@clientele/contracts/order'
import { timeZoneParameter } from '@clientele/contracts/parameters'
import { type Api, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import type { SummaryService } from './summary.service.ts'

export type SummaryRouteDeps = { summary: SummaryService }

const timeParameter = (description: string) =>
  z
    .union(
      [z.iso.datetime({ offset: true }), z.iso.date()],
      'must be a time such as 2026-11-20T09:30:00Z, or a day such as 2026-11-20',
    )
    .optional()
    .meta({ description })

export const summaryRoutes = (api: Api, { summary }: SummaryRouteDeps): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/orders/summary',
      operationId: 'summariseOrders',
      summary: 'Summarise orders and revenue by interval and currency',
      description:
        'Intervals begin in `timeZone`; weeks begin on Monday. Cancelled orders are not counted. An interval without orders has zeros, for each currency of the range.',
      tag: 'Orders',
      roles: ['user'],
      query: z.strictObject({
        from: timeParameter(
          'A time (RFC 3339) or a day in `timeZone`: the start of the range, inclusive. Default: 30 days before `to`.',
        ),
        to: timeParameter('A time (RFC 3339) or a day in `timeZone`: the end of the range, exclusive. Default: now.'),
        interval: OrderSummary.shape.interval.default('day').meta({
          description: 'The length of an interval. The range may have at most 400 intervals. Default: `day`.',
        }),
        timeZone: timeZoneParameter,
      }),
      responses: { 200: OrderSummary },
    },
    async ({ query }) => ok(await summary.summarise(query)),
  )
}
