import { counter, histogram } from '@clientele/platform/runtime/telemetry'
import type { LimitFunction } from 'p-limit'
import type { Outcome, Sender } from '../requests/sender.ts'
import type { SecretBox } from '../secrets.ts'
import type { WebhookRow } from '../webhook.model.ts'
import { bodyOf, type SentEvent } from './payload.ts'

type Signing = Pick<WebhookRow, 'id' | 'secret' | 'previousSecret' | 'previousSecretUntil'>

/** The secrets that sign, the newest first. @returns undefined if one cannot be decrypted */
const secretsOf = (webhook: Signing, box: SecretBox): string[] | undefined => {
  const { id, secret, previousSecret, previousSecretUntil } = webhook
  const isPreviousValid = previousSecret !== null && previousSecretUntil !== null && previousSecretUntil > new Date()
  const sealed = isPreviousValid ? [secret, previousSecret] : [secret]
  const opened = sealed.flatMap((each) => box.open(each, id) ?? [])
  return opened.length === sealed.length ? opened : undefined
}

/** `limit` lets requests wait for their turn. */
type Deps = { sender: Sender; box: SecretBox; limit: LimitFunction }

/** Creates what sends one event to a webhook. It waits for its turn, and then reads the event. @returns undefined if `signal` has aborted */
export const createDelivery = ({ sender, box, limit }: Deps) => {
  const attempts = counter('webhook_attempts_total', 'Attempts to deliver events to webhooks by outcome', ['outcome'])
  for (const outcome of ['delivered', 'status', 'timeout']) attempts.inc({ outcome }, 0)
  const seconds = histogram('webhook_attempt_seconds', 'Time until a receiver of webhooks has responded')

  const send = async (webhook: Target, event: SentEvent, signal: AbortSignal): Promise<Outcome> => {
    const secrets = secretsOf(webhook, box)
    // Without a signature the receiver could not tell it from a forgery.
    if (!secrets)
      return { at: new Date(), responseStatus: null, error: 'secret', durationMs: 0, answer: null, retryAfterMs: null }
    const body = bodyOf(event, webhook.payload)
    return sender.send({ url: webhook.url, id: event.eventId, body, secrets }, signal)
  }

  return (webhook: Target, read: () => Promise<SentEvent>, signal: AbortSignal): Promise<Outcome | undefined> =>
    limit(async () => {
      if (signal.aborted) return undefined
      const outcome = await send(webhook, await read(), signal)
      if (signal.aborted) return undefined
      attempts.inc({ outcome: outcome.error ?? 'delivered' })
      seconds.observe(outcome.durationMs / 1000)
      return outcome
    })
}
type Target = Signing & Pick<WebhookRow, 'url' | 'payload'>
export type Delivery = ReturnType<typeof createDelivery>
