import { z } from 'zod'
import { type Outcome, shortReason } from './provider.ts'

// The status codes of a recipient: https://developers.africastalking.com/docs/sms/sending/bulk
const acceptedCodes = [100, 101, 102]
// InvalidPhoneNumber, UnsupportedNumberType
const numberCodes = [403, 404]
// InsufficientBalance, InternalServerError, GatewayError: a retry can succeed.
const temporaryCodes = [405, 500, 501]
const temporaryStatuses = ['InsufficientBalance', 'InternalServerError', 'GatewayError']

const Recipient = z.object({
  statusCode: z.coerce.number(),
  status: z.string().max(1_000).optional(),
  messageId: z.string().max(300).nullish(),
  cost: z.coerce.string().max(100).nullish(),
})
const SendResponse = z.object({
  SMSMessageData: z.object({ Message: z.string().optional(), Recipients: z.array(Recipient).optional() }),
})

const orNull = (text: string | null | undefined): string | null =>
  text === undefined || text === null || text === '' || text === 'None' ? null : text

/** The outcome that a response with status 200 or 201 reports for its only recipient; `unknown` if it cannot be read. */
export const outcomeOfResponse = (body: string): Outcome => {
  const response = SendResponse.safeParse(parseJson(body))
  if (!response.success) return { kind: 'unknown', reason: 'unreadable_answer' }
  const { Message = '', Recipients: [recipient] = [] } = response.data.SMSMessageData
  // Without recipients, `Message` is the name of the status that says why.
  if (!recipient) {
    const kind = temporaryStatuses.includes(Message) ? 'not_accepted' : 'rejected'
    return { kind, reason: shortReason(Message) }
  }
  const { statusCode, status, messageId, cost } = recipient
  if (acceptedCodes.includes(statusCode)) return { kind: 'accepted', messageId: orNull(messageId), cost: orNull(cost) }
  const reason = shortReason(status ?? String(statusCode))
  if (temporaryCodes.includes(statusCode)) return { kind: 'not_accepted', reason }
  if (numberCodes.includes(statusCode)) return { kind: 'rejected', reason, isNumberRejected: true }
  return statusCode >= 400 && statusCode < 600 ? { kind: 'rejected', reason } : { kind: 'unknown', reason }
}

const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/**
 * The outcome that another HTTP status means. A wrong API key (401, 403) is retried, because an operator can correct it. After a
 * 504 the outcome is unknown: the request was forwarded, but the gateway got no response.
 */
export const outcomeOfStatus = (status: number): Outcome => {
  const reason = `http_${status}`
  if (status === 504) return { kind: 'unknown', reason }
  if (status >= 500 || [401, 403, 408, 425, 429].includes(status)) return { kind: 'not_accepted', reason }
  return status >= 400 ? { kind: 'rejected', reason } : { kind: 'unknown', reason }
}
