import { OrderSummary } from '@clientele/contracts/order'
import { type Api, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import type { SummaryService } from './summary.service.ts'

export type SummaryRouteDeps = { summary: SummaryService }

// A zone may lead out of the years that PostgreSQL reads.
const earliest = new Date('0001-01-01')
const latest = new Date('9999-12-31')

const moment = (description: string) =>
  z
    .union(
      [z.iso.datetime({ offset: true }), z.iso.date()],
      'must be a time such as 2026-11-20T09:30:00Z, or a day such as 2026-11-20',
    )
    .transform((text) => new Date(text))
    .refine((at) => at >= earliest && at <= latest, 'must be in the years 1 to 9999')
    .optional()
    .meta({ description })

export const summaryRoutes = (api: Api, { summary }: SummaryRouteDeps): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/orders/summary',
      operationId: 'summariseOrders',
      summary: 'Orders and revenue by interval and currency',
      description:
        'In UTC; weeks begin on Monday. Cancelled orders are not counted, and intervals without orders are left out.',
      tag: 'Orders',
      roles: ['user'],
      query: z.strictObject({
        from: moment('a time (RFC 3339) or a day (UTC); 30 days before `to` where absent'),
        to: moment('the end, itself not included; now where absent'),
        interval: OrderSummary.shape.interval.default('day').meta({ description: 'at most 400 of them in an answer' }),
      }),
      responses: { 200: OrderSummary },
    },
    async ({ query }) => ok(await summary.summarise(query)),
  )
}
