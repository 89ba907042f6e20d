import type { NotificationChannel } from '@clientele/contracts/notification'

/** A message to one person. `id` tells attempts apart; `subject` is for e-mail. */
export type Message = { id: string; to: string; subject: string; text: string }

/**
 * How an attempt ended. `taken`: the provider has the message; `refused`: it never takes this one; `not_taken`: it is certain
 * that it has not got it, and it may be tried again; `unknown`: nobody can tell.
 */
export type Outcome =
  | { kind: 'taken'; messageId: string | null; cost: string | null }
  | { kind: 'refused' | 'not_taken' | 'unknown'; reason: string }

/** Somebody who carries messages. `send` never rejects. */
export type Provider = {
  name: string
  channel: NotificationChannel
  send(message: Message, signal: AbortSignal): Promise<Outcome>
  close(): Promise<void>
}

/** What a provider tells of a message that it took. `number` may be in another form than it was sent to. */
export type Report = {
  messageId: string
  number: string | null
  status: 'underway' | 'delivered' | 'failed'
  reason: string | null
}

/** A reason as it may be stored and shown: one short line. */
export const plainReason = (text: string): string =>
  text
    .replace(/[^\p{L}\p{N} ._:-]+/gu, ' ')
    .trim()
    .slice(0, 100) || 'no_reason'
