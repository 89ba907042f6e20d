import { z } from 'zod'
import { event } from './event.ts'
import { line, readOnly, stamps, time, uuid } from './fields.ts'

/** The maximum length of a webhook's URL. */
export const maxWebhookUrl = 2_000

/** `full`: the whole event. `reference`: without its data, so that nothing personal leaves the installation. */
export const WebhookPayload = z.enum(['full', 'reference']).meta({ id: 'WebhookPayload' })

/**
 * - `active`: events are sent
 * - `failing`: at least five attempts in a row failed; only the oldest event is tried until one succeeds
 * - `paused`: nothing is sent until the webhook is resumed; `pausedReason` says why
 */
export const WebhookState = z.enum(['active', 'failing', 'paused']).meta({ id: 'WebhookState' })

/**
 * - `deactivated`: an admin has set `active` to false
 * - `failing`: no attempt has succeeded for three days
 * - `gone`: the receiver has responded with 410
 */
export const WebhookPausedReason = z.enum(['deactivated', 'failing', 'gone']).meta({ id: 'WebhookPausedReason' })
export type WebhookPausedReason = z.infer<typeof WebhookPausedReason>

const events = z
  .array(line(100))
  .min(1)
  .max(50)
  .meta({
    example: ['order.*', 'customer.created.v1'],
    description: 'Event types, such as `customer.created.v1`, and kinds, such as `order.*`.',
  })

const fields = {
  url: z.string().min(1).max(maxWebhookUrl).meta({
    format: 'uri',
    example: 'https://shop.example.com/hooks/clientele',
    description:
      'Where events are sent by POST: an https URL at a public address, without credentials and fragment. The operator can allow http and private networks.',
  }),
  events,
  description: line(200).nullish().meta({ example: 'The warehouse' }),
  active: z.boolean().optional().meta({ description: 'Whether events are sent. Default: true.' }),
  ordered: z.boolean().optional().meta({
    description:
      'Whether the events of one subject arrive one after the other: later ones wait until the receiver has accepted the earlier one. Default: false.',
  }),
  payload: WebhookPayload.optional().meta({
    description:
      '`full` (the default): the whole event. `reference`: only its id, type, subject, version and time, so that nothing personal leaves the installation.',
  }),
}

/** The body of POST. */
export const NewWebhook = z.strictObject(fields).meta({ id: 'NewWebhook' })
export type NewWebhook = z.infer<typeof NewWebhook>

/** The body of PATCH: a JSON Merge Patch (RFC 7396). */
export const WebhookPatch = z
  .strictObject({ ...fields, url: fields.url.optional(), events: events.optional() })
  .meta({ id: 'WebhookPatch' })
export type WebhookPatch = z.infer<typeof WebhookPatch>

const settings = {
  id: readOnly(uuid),
  events: z.array(z.string()),
  description: z.string().nullable(),
  active: z.boolean(),
  ordered: z.boolean(),
  payload: WebhookPayload,
  pausedReason: readOnly(WebhookPausedReason.nullable()),
  ...stamps,
}

const seq = z.int().min(0)

export const Webhook = z
  .object({
    ...settings,
    url: z.string(),
    state: readOnly(WebhookState),
    position: readOnly(seq).meta({
      description: 'The `seq` of the last event that was handled: delivered, or waiting to be sent again.',
    }),
    behind: readOnly(z.int().min(0).max(10_000)).meta({
      description: 'How many events are still to be delivered, counted up to 10,000.',
    }),
    lastSuccessAt: readOnly(time.nullable()),
    failingSince: readOnly(time.nullable()).meta({
      description: 'When the first attempt failed after the last success; null if the last attempt succeeded.',
    }),
    replay: readOnly(
      z.object({ position: seq, until: seq, requestedAt: time }).nullable().meta({
        description: 'The running replay: `seq` of the last event that it has sent, and of its last event.',
      }),
    ),
  })
  .meta({ id: 'Webhook' })
export type Webhook = z.infer<typeof Webhook>

const secret = z.string().meta({
  example: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDdQoZ8aBPdZ8=',
  description: 'The secret that signs requests. It is shown once: store it.',
})

/** A new webhook with its secret. */
export const WebhookWithSecret = Webhook.extend({ secret }).meta({ id: 'WebhookWithSecret' })
export type WebhookWithSecret = z.infer<typeof WebhookWithSecret>

/** A new secret. Until `previousExpiresAt`, requests are signed with the previous secret as well. */
export const WebhookSecret = z.object({ secret, previousExpiresAt: time }).meta({ id: 'WebhookSecret' })
export type WebhookSecret = z.infer<typeof WebhookSecret>

/** What a receiver has answered, or why there is no answer. */
const answer = {
  responseStatus: z
    .int()
    .min(100)
    .max(599)
    .nullable()
    .meta({ example: 200, description: 'Null if there was no response.' }),
  error: z.string().nullable().meta({
    example: 'timeout',
    description:
      'Why the attempt failed; null if it succeeded. `status`: a status other than 2xx. `dns`, `refused`, `tls`, `timeout`, `connection`: there was no response. `address`: the address is not public, and not allowed. `secret`: the secret cannot be decrypted.',
  }),
  durationMs: z.int().min(0),
  answer: z.string().nullable().meta({ description: 'The first 1,024 bytes of the answer as text.' }),
}

/** The result of a test. */
export const WebhookTest = z
  .object({ id: uuid, status: z.enum(['delivered', 'failed']), ...answer })
  .meta({ id: 'WebhookTest' })
export type WebhookTest = z.infer<typeof WebhookTest>

/** The events that are sent once more. */
export const NewWebhookReplay = z
  .strictObject({
    since: time.meta({ description: 'Events that were recorded from this time on are sent once more.' }),
    until: time.optional().meta({ description: 'Events that were recorded before this time. Default: now.' }),
    type: events.optional().meta({ description: 'Only these event types and kinds. Default: those of the webhook.' }),
  })
  .meta({ id: 'NewWebhookReplay' })
export type NewWebhookReplay = z.infer<typeof NewWebhookReplay>

/** `delivered`: the receiver has responded with 2xx. */
export const WebhookDeliveryStatus = z.enum(['delivered', 'failed']).meta({ id: 'WebhookDeliveryStatus' })

/** One attempt to deliver an event. It is kept for 14 days. */
export const WebhookDelivery = z
  .object({
    id: uuid,
    webhookId: uuid,
    seq,
    eventId: uuid,
    type: z.string(),
    subject: z.string(),
    at: time,
    attempt: z.int().min(1).meta({ description: '1 for the first attempt to deliver this event.' }),
    status: WebhookDeliveryStatus,
    ...answer,
    nextAttemptAt: time.nullable().meta({
      description:
        'When the event will be tried again, as planned after this attempt. Null after a success and after the last attempt.',
    }),
  })
  .meta({ id: 'WebhookDelivery' })
export type WebhookDelivery = z.infer<typeof WebhookDelivery>

/** A webhook as events contain it: with the origin of its URL only, because the rest of it is often a secret. */
const WebhookEventData = z.object({ ...settings, origin: z.string().meta({ example: 'https://shop.example.com' }) })
export type WebhookEventData = z.infer<typeof WebhookEventData>
export const webhookCreated = event('webhook.created.v1', WebhookEventData)
export const webhookUpdated = event('webhook.updated.v1', WebhookEventData)
export const webhookDeleted = event('webhook.deleted.v1', WebhookEventData)
/** Nothing is sent any more. `pausedReason` says why. */
export const webhookPaused = event('webhook.paused.v1', WebhookEventData)
export const webhookResumed = event('webhook.resumed.v1', WebhookEventData)
export const webhookEvents = [webhookCreated, webhookUpdated, webhookDeleted, webhookPaused, webhookResumed]

/** What a test sends. It is sent to the tested webhook only. */
export const webhookTest = event('webhook.test.v1', z.object({ id: uuid, version: z.int().min(1) }))
