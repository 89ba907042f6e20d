import type { NotificationChannel } from '@clientele/contracts/notification'

/** A message to one recipient. `id` is unique per attempt; `subject` is for e-mail. */
export type Message = { id: string; to: string; subject: string; text: string }

/**
 * The outcome of an attempt:
 * - `accepted`: the provider has the message
 * - `rejected`: the provider will never accept this message. `isNumberRejected`: because its number gets no SMS
 * - `not_accepted`: the provider certainly does not have the message, so a retry is safe
 * - `unknown`: the provider may have the message, so a retry could send it twice
 */
export type Outcome =
  | { kind: 'accepted'; messageId: string | null; cost: string | null }
  | { kind: 'rejected'; reason: string; isNumberRejected?: boolean }
  | { kind: 'not_accepted' | 'unknown'; reason: string }

/** Sends the messages of one channel. `send` never rejects. */
export type Provider = {
  name: string
  channel: NotificationChannel
  send(message: Message, signal: AbortSignal): Promise<Outcome>
  close(): Promise<void>
}

/** A delivery report of a message that the provider accepted. `number` is null if the provider names none that can be read. */
export type Report = {
  messageId: string
  number: string | null
  status: 'underway' | 'delivered' | 'failed'
  reason: string | null
}

/** Turns a provider's text into a reason that is safe to store and show: one line of at most 100 characters. */
export const shortReason = (text: string): string =>
  text
    .replace(/[^\p{L}\p{N} ._:-]+/gu, ' ')
    .trim()
    .slice(0, 100) || 'no_reason'
