import { pathKey } from '@clientele/contracts/fields'
import { type Api, ok } from '@clientele/platform/http/api'
import { formBody } from '@clientele/platform/http/form-body'
import { z } from 'zod'
import { DeliveryReport } from '../providers/africastalking.report.ts'
import type { ReportService } from './report.service.ts'

export type ReportRouteDeps = { reports: ReportService }

const maxBytes = 16_384
const params = z.strictObject({ provider: pathKey, secret: pathKey })

export const reportRoutes = (api: Api, { reports }: ReportRouteDeps): void => {
  api.operation(
    {
      method: 'post',
      path: '/v1/callbacks/{provider}/{secret}',
      operationId: 'receiveDeliveryReport',
      summary: 'A delivery report of an SMS provider',
      description: '404 where the secret is wrong. An unknown message is no fault: it may be of another installation.',
      tag: 'Notifications',
      roles: 'public',
      idempotent: false,
      params,
      uploads: { 'application/x-www-form-urlencoded': formBody(DeliveryReport, maxBytes) },
      responses: { 200: null },
    },
    async ({ params: { provider, secret }, body }) => {
      reports.check(provider, secret)
      await reports.take(provider, body)
      return ok(undefined)
    },
  )
}
