import { uuid } from '@clientele/contracts/fields'
import { page } from '@clientele/contracts/page'
import { ProblemBody } from '@clientele/contracts/problem'
import {
  NewWebhook,
  NewWebhookReplay,
  Webhook,
  WebhookDelivery,
  WebhookPatch,
  WebhookSecret,
  WebhookTest,
  WebhookWithSecret,
} from '@clientele/contracts/webhook'
import { type Api, accepted, created, noContent, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import { deliveryList } from './delivery.list.ts'
import type { DeliveryService } from './delivery.service.ts'
import type { ReplayService } from './replay.service.ts'
import { webhookList } from './webhook.list.ts'
import type { WebhookService } from './webhook.service.ts'

export type WebhookRouteDeps = { webhooks: WebhookService; deliveries: DeliveryService; replays: ReplayService }

const shared = { tag: 'Webhooks', roles: ['admin'] } as const
const params = z.strictObject({ id: uuid })
const oneWebhook = { ...shared, path: '/v1/webhooks/{id}', params } as const
const deliveriesPath = `${oneWebhook.path}/deliveries` as const

/** What changes without a request, so it may be sent back as it was read. */
const linked = ['state', 'pausedReason', 'position', 'behind', 'lastSuccessAt', 'failingSince', 'replay']

export const webhookRoutes = (api: Api, { webhooks, deliveries, replays }: WebhookRouteDeps): void => {
  api.operation(
    {
      ...shared,
      method: 'get',
      path: '/v1/webhooks',
      operationId: 'listWebhooks',
      summary: 'List webhooks, oldest first',
      query: webhookList.query,
      responses: { 200: page(Webhook) },
    },
    async ({ query }) => ok(await webhooks.list(query)),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: '/v1/webhooks',
      operationId: 'createWebhook',
      summary: 'Create a webhook',
      description:
        'Events that are recorded from now on are sent to `url`. The response has the secret that signs them; it is shown once. There can be 20 webhooks. `Idempotency-Key` has no effect, because the response would have to be stored with the secret.',
      body: NewWebhook,
      idempotent: false,
      responses: { 201: WebhookWithSecret },
    },
    async ({ body, actor }) => {
      const webhook = await webhooks.create(body, actor)
      return created(webhook, `/v1/webhooks/${webhook.id}`)
    },
  )

  api.operation(
    {
      ...oneWebhook,
      method: 'get',
      operationId: 'getWebhook',
      summary: 'Get a webhook',
      responses: { 200: Webhook },
    },
    async ({ params: { id } }) => ok(await webhooks.get(id)),
  )

  api.operation(
    {
      ...oneWebhook,
      method: 'patch',
      operationId: 'updateWebhook',
      summary: 'Update a webhook',
      description:
        'The body is a JSON Merge Patch (RFC 7396). With `active: false` nothing is sent, and nothing is lost: with `active: true` it goes on from there. Read-only fields may be sent as they were read.',
      current: ({ params: { id } }) => webhooks.get(id),
      linked,
      body: WebhookPatch,
      responses: { 200: Webhook },
    },
    async ({ params: { id }, body, actor, ifMatch }) => ok(await webhooks.update(id, body, { actor, ifMatch })),
  )

  api.operation(
    {
      ...oneWebhook,
      method: 'delete',
      operationId: 'deleteWebhook',
      summary: 'Delete a webhook',
      responses: { 204: null },
    },
    async ({ params: { id }, actor, ifMatch }) => {
      await webhooks.remove(id, { actor, ifMatch })
      return noContent()
    },
  )

  api.operation(
    {
      ...oneWebhook,
      method: 'post',
      path: `${oneWebhook.path}/test`,
      operationId: 'testWebhook',
      summary: 'Send a test to a webhook',
      description:
        'Sends a signed event of the type `webhook.test.v1` at once, also to a paused webhook, and responds with the answer.',
      idempotent: false,
      responses: { 200: WebhookTest },
    },
    async ({ params: { id }, actor }) => ok(await webhooks.test(id, actor)),
  )

  api.operation(
    {
      ...oneWebhook,
      method: 'post',
      path: `${oneWebhook.path}/rotate-secret`,
      operationId: 'rotateWebhookSecret',
      summary: 'Give a webhook a new secret',
      description:
        'For 24 hours requests are signed with both secrets. A second request within ten seconds is a 409. `Idempotency-Key` has no effect, because the response would have to be stored with the secret.',
      idempotent: false,
      responses: { 200: WebhookSecret, 409: ProblemBody },
    },
    async ({ params: { id }, actor }) => ok(await webhooks.rotateSecret(id, actor)),
  )

  api.operation(
    {
      ...oneWebhook,
      method: 'post',
      path: `${oneWebhook.path}/resume`,
      operationId: 'resumeWebhook',
      summary: 'Resume a paused webhook',
      description: 'It goes on from where it was paused. A webhook that is not paused stays as it is.',
      responses: { 200: Webhook },
    },
    async ({ params: { id }, actor }) => ok(await webhooks.resume(id, actor)),
  )

  api.operation(
    {
      ...oneWebhook,
      method: 'post',
      path: `${oneWebhook.path}/replay`,
      operationId: 'replayWebhook',
      summary: 'Send recorded events once more',
      description:
        'The events are sent beside those that are new, each with the `webhook-id` that it had the first time. One replay of a webhook runs at a time.',
      body: NewWebhookReplay,
      responses: { 202: Webhook },
    },
    async ({ params: { id }, body }) => accepted(await replays.start(id, body), `/v1/webhooks/${id}`),
  )

  api.operation(
    {
      ...oneWebhook,
      method: 'get',
      path: deliveriesPath,
      operationId: 'listWebhookDeliveries',
      summary: 'List the attempts of a webhook, newest first',
      description: 'They are kept for 14 days.',
      query: deliveryList.query,
      responses: { 200: page(WebhookDelivery) },
    },
    async ({ params: { id }, query }) => ok(await deliveries.list(id, query)),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: `${deliveriesPath}/{deliveryId}/resend`,
      params: z.strictObject({ id: uuid, deliveryId: uuid }),
      operationId: 'resendWebhookDelivery',
      summary: 'Send the event of an attempt once more',
      description: 'The event keeps its `webhook-id`. If it fails, it is tried again like any other.',
      responses: { 202: null },
    },
    async ({ params: { id, deliveryId } }) => {
      await deliveries.resend(id, deliveryId)
      return accepted(undefined)
    },
  )
}
