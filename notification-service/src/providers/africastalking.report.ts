import { z } from 'zod'
import { type Report, shortReason } from './provider.ts'

const text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[^\p{Cc}]*$/u, 'must not contain control characters')
    .meta({ pattern: '^[^\\x00-\\x1f\\x7f-\\x9f]*$' })

/** A delivery report as Africa's Talking posts it: https://developers.africastalking.com/docs/sms/notifications */
export const DeliveryReport = z
  .object({
    id: text(300).min(1).meta({ example: 'ATXid_1' }),
    status: text(100).min(1).meta({ example: 'Success' }),
    phoneNumber: text(40).optional().meta({ example: '+254711000111' }),
    networkCode: text(40).optional(),
    failureReason: text(300).optional(),
    retryCount: text(40).optional(),
  })
  .meta({ id: 'DeliveryReport' })
export type DeliveryReport = z.infer<typeof DeliveryReport>

const statuses: Partial<Record<string, Report['status']>> = {
  Success: 'delivered',
  Sent: 'underway',
  Submitted: 'underway',
  Buffered: 'underway',
  Failed: 'failed',
  Rejected: 'failed',
  Expired: 'failed',
  AbsentSubscriber: 'failed',
}

// A plus sign that was not percent-encoded arrives as a space.
const toE164 = (number: string | undefined): string | null => {
  const digits = /^[+ ]?(\d{6,20})$/.exec(number ?? '')?.[1]
  return digits === undefined ? null : `+${digits}`
}

/** Converts a delivery report. @returns undefined if its status is not documented */
export const reportOf = ({ id, status, phoneNumber, failureReason }: DeliveryReport): Report | undefined => {
  const known = Object.hasOwn(statuses, status) ? statuses[status] : undefined
  if (known === undefined) return undefined
  const reason = known === 'failed' ? shortReason(failureReason || status) : null
  return { messageId: id, number: toE164(phoneNumber), status: known, reason }
}
