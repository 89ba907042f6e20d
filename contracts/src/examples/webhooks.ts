import { exampleStamps } from './shared.ts'

const webhookId = '0190a5c4-6f00-7000-8000-0000000000b0'
const secret = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDdQoZ8aBPdZ8='
const fields = {
  url: 'https://shop.example.com/hooks/clientele',
  events: ['order.*', 'customer.created.v1'],
  description: 'The warehouse',
}
const answer = { status: 'delivered', responseStatus: 200, error: null, durationMs: 84, answer: 'ok' }
const webhook = {
  id: webhookId,
  ...fields,
  active: true,
  ordered: false,
  payload: 'full',
  pausedReason: null,
  state: 'active',
  position: 48_211,
  behind: 0,
  lastSuccessAt: '2026-11-21T14:06:01.120Z',
  failingSince: null,
  replay: null,
  ...exampleStamps,
}

export const webhookExamples = {
  NewWebhook: { ...fields, ordered: false, payload: 'full' },
  WebhookPatch: { events: ['order.*', 'product.*'], active: true },
  Webhook: webhook,
  WebhookWithSecret: { ...webhook, version: 1, position: 48_100, lastSuccessAt: null, secret },
  WebhookSecret: { secret, previousExpiresAt: '2026-11-22T14:05:12.345Z' },
  WebhookTest: { id: '0190a5c4-6f00-7000-8000-0000000000b1', ...answer },
  NewWebhookReplay: { since: '2026-11-20T00:00:00.000Z', until: '2026-11-21T00:00:00.000Z', type: ['order.*'] },
  WebhookDelivery: {
    id: '0190a5c4-6f00-7000-8000-0000000000b2',
    webhookId,
    seq: 48_211,
    eventId: '0190a5c4-6f00-7000-8000-0000000000b3',
    type: 'order.placed.v1',
    subject: '0190a5c4-6f00-7000-8000-000000000020',
    at: '2026-11-21T14:06:01.036Z',
    attempt: 1,
    ...answer,
    nextAttemptAt: null,
  },
}
