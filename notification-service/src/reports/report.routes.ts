import { pathKey } from '@clientele/contracts/fields'
import { type Api, ok } from '@clientele/platform/http/api'
import { formBody } from '@clientele/platform/http/form-body'
import { z } from 'zod'
import { DeliveryReport } from '../providers/africastalking.report.ts'
import type { ReportService } from './report.service.ts'

export type ReportRouteDeps = { reports: ReportService }

const maxBytes = 16_384
const params = z.strictObject({
  provider: pathKey.meta({ description: 'The SMS provider: `africastalking`.' }),
  secret: pathKey.meta({ description: 'The secret that is configured as `CALLBACK_SECRET`.' }),
})

export const reportRoutes = (api: Api, { reports }: ReportRouteDeps): void => {
  api.operation(
    {
      method: 'post',
      path: '/v1/callbacks/{provider}/{secret}',
      operationId: 'receiveDeliveryReport',
      summary: 'Receive a delivery report of an SMS provider',
      description:
        'The provider calls this route. If the secret is wrong, the response is 404. A report of an unknown message is accepted, because the message may belong to another installation.',
      tag: 'Notifications',
      roles: 'public',
      idempotent: false,
      params,
      uploads: { 'application/x-www-form-urlencoded': formBody(DeliveryReport, maxBytes) },
      responses: { 200: null },
    },
    async ({ params: { provider, secret }, body }) => {
      reports.checkSecret(provider, secret)
      await reports.receive(provider, body)
      return ok(undefined)
    },
  )
}
