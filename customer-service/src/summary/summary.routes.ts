import { CustomerSummary } from '@clientele/contracts/customer'
import { timeZoneParameter } from '@clientele/contracts/parameters'
import { type Api, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import type { SummaryService } from './summary.service.ts'

export type SummaryRouteDeps = { summary: SummaryService }

export const summaryRoutes = (api: Api, { summary }: SummaryRouteDeps): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/customers/summary',
      operationId: 'summariseCustomers',
      summary: 'Count the customers: all, new ones, with a photo, in the trash',
      description:
        'The numbers are exact at `countedAt`, a few seconds ago at most. Days begin in `timeZone`, and weeks on Monday.',
      tag: 'Customers',
      roles: ['user'],
      query: z.strictObject({ timeZone: timeZoneParameter }),
      responses: { 200: CustomerSummary },
    },
    async ({ query }) => ok(await summary.summarise(query.timeZone)),
  )
}
