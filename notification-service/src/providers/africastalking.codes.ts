import { z } from 'zod'
import { type Outcome, plainReason } from './provider.ts'

// https://developers.africastalking.com/docs/sms/sending/bulk: statusCode and status of a recipient.
const taken = [100, 101, 102]
// Time or money may help: InsufficientBalance, InternalServerError, GatewayError.
const passing = [405, 500, 501]
const passingNames = ['InsufficientBalance', 'InternalServerError', 'GatewayError']

const Recipient = z.object({
  statusCode: z.coerce.number(),
  status: z.string().max(1_000).optional(),
  messageId: z.string().max(300).nullish(),
  cost: z.coerce.string().max(100).nullish(),
})
const Answer = z.object({
  SMSMessageData: z.object({ Message: z.string().optional(), Recipients: z.array(Recipient).optional() }),
})

const present = (text: string | null | undefined): string | null =>
  text === undefined || text === null || text === '' || text === 'None' ? null : text

/** What an answer of 200 or 201 says of the one recipient. One that cannot be read leaves the outcome unknown. */
export const outcomeOfAnswer = (body: string): Outcome => {
  const answer = Answer.safeParse(parsed(body))
  if (!answer.success) return { kind: 'unknown', reason: 'unreadable_answer' }
  const { Message = '', Recipients: [recipient] = [] } = answer.data.SMSMessageData
  // Without recipients the message says why nobody got it, by the name of a status.
  if (!recipient) {
    const kind = passingNames.includes(Message) ? 'not_taken' : 'refused'
    return { kind, reason: plainReason(Message) }
  }
  const { statusCode, status, messageId, cost } = recipient
  if (taken.includes(statusCode)) return { kind: 'taken', messageId: present(messageId), cost: present(cost) }
  const reason = plainReason(status ?? String(statusCode))
  if (passing.includes(statusCode)) return { kind: 'not_taken', reason }
  return statusCode >= 400 && statusCode < 600 ? { kind: 'refused', reason } : { kind: 'unknown', reason }
}

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/**
 * What another HTTP status says. A wrong key is put right by a person, meanwhile the message waits; a gateway's 504 means that
 * the request went in and no answer came out.
 */
export const outcomeOfStatus = (status: number): Outcome => {
  const reason = `http_${status}`
  if (status === 504) return { kind: 'unknown', reason }
  if (status >= 500 || [401, 403, 408, 425, 429].includes(status)) return { kind: 'not_taken', reason }
  return status >= 400 ? { kind: 'refused', reason } : { kind: 'unknown', reason }
}
