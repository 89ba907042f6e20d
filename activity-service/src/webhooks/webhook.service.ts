import type { Page } from '@clientele/contracts/page'
import {
  type NewWebhook,
  type Webhook,
  type WebhookPatch,
  type WebhookSecret,
  type WebhookTest,
  type WebhookWithSecret,
  webhookCreated,
  webhookDeleted,
  webhookTest,
} from '@clientele/contracts/webhook'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { acquireLock } from '@clientele/platform/data/advisory-lock'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import { newStamps } from '@clientele/platform/data/stamps'
import { afterCommit } from '@clientele/platform/data/transaction'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import type { IfMatch } from '@clientele/platform/http/if-match'
import { Problem } from '@clientele/platform/runtime/problem'
import { checkTypes } from './event-types.ts'
import type { UrlCheck } from './requests/target-url.ts'
import { newSecret, type SecretBox } from './secrets.ts'
import type { Delivery } from './sending/delivery.ts'
import { maxWebhooks } from './timing.ts'
import { detailsOf } from './webhook.details.ts'
import { webhookList } from './webhook.list.ts'
import type { WebhookRow, Webhooks } from './webhook.model.ts'
import { presentEventData, presentWebhook } from './webhook.presenter.ts'
import type { WebhookWriter } from './webhook.writer.ts'

type Deps = {
  db: Db
  webhooks: Webhooks
  writer: WebhookWriter
  box: SecretBox
  checkUrl: UrlCheck
  deliver: Delivery
  onChanged(): void
}
type Access = { actor: Actor; ifMatch?: IfMatch }

const rotationMs = 24 * 3_600_000
/** Two rotations within this time count as one that was asked for twice. */
const sameRotationMs = 10_000

const selectHead = `select max(seq) as position, greatest(max(recorded_at), 'epoch') as "positionAt" from head`

/** The columns of a PATCH but URL and event types. An absent field stays as it is. */
const patchedFields = (row: WebhookRow, patch: WebhookPatch): Partial<WebhookRow> => {
  const { active = row.pausedReason === null, description, ordered = row.ordered, payload = row.payload } = patch
  return {
    description: description === undefined ? row.description : description,
    ordered,
    payload,
    pausedReason: active ? null : (row.pausedReason ?? 'deactivated'),
  }
}

export type WebhookService = ReturnType<typeof createWebhookService>

export const createWebhookService = ({ db, webhooks, writer, box, checkUrl, deliver, onChanged }: Deps) => {
  const present = async (row: WebhookRow): Promise<Webhook> => presentWebhook(row, await detailsOf(db, row))

  /** @throws Problem 409 if there are too many */
  const checkCount = async (tx: Tx): Promise<void> => {
    await acquireLock(db, tx, 'number of webhooks')
    if ((await webhooks.count({ transaction: tx })) < maxWebhooks) return
    throw new Problem('invalid_state', { detail: `there can be at most ${maxWebhooks} webhooks: delete one first` })
  }

  return {
    /** @throws Problem 422 with a pointer; 409 if there are too many */
    create: async (input: NewWebhook, actor: Actor): Promise<WebhookWithSecret> => {
      const events = checkTypes(input.events, '/events')
      const url = await checkUrl(input.url)
      const secret = newSecret()
      const row = await db.transaction(async (tx) => {
        await checkCount(tx)
        const [head] = await db.query<{ position: number; positionAt: Date }>(selectHead, [], { tx })
        if (!head) throw new Error('the table head is empty')
        const id = newId()
        const created = await webhooks.create(
          {
            ...{ id, url, events, description: input.description ?? null, secret: box.seal(secret, id) },
            ...{ ordered: input.ordered ?? false, payload: input.payload ?? 'full' },
            ...{ pausedReason: input.active === false ? 'deactivated' : null, ...head, ...newStamps(actor) },
          },
          { transaction: tx },
        )
        const fields = created.get({ plain: true })
        await outbox.add(tx, webhookCreated.of(presentEventData(fields), actorRef(actor)))
        afterCommit(tx, onChanged)
        return fields
      })
      return { ...presentWebhook(await writer.find(row.id), { behind: 0, replay: null }), secret }
    },

    list: async (query: Record<string, unknown>): Promise<Page<Webhook>> => {
      const { rows, page } = await webhookList.run(db, query)
      const found = await webhooks.findAll({ where: { id: rows.map(({ id }) => id) } })
      const byId = new Map(found.map((model) => [model.id, model.get({ plain: true })]))
      const data = await Promise.all(rows.flatMap(({ id }) => byId.get(id) ?? []).map(present))
      return { data, page }
    },

    /** @throws Problem 404 */
    get: async (id: string): Promise<Webhook> => present(await writer.find(id)),

    /** @throws Problem 404, 412, 422 */
    update: async (id: string, patch: WebhookPatch, { actor, ifMatch }: Access): Promise<Webhook> => {
      await writer.find(id)
      const events = patch.events && checkTypes(patch.events, '/events')
      const url = patch.url === undefined ? undefined : await checkUrl(patch.url)
      const row = await db.transaction(async (tx) => {
        const before = await writer.lock(id, tx, ifMatch)
        const checked = { url: url ?? before.url, events: events ?? before.events }
        return writer.change(before, { ...patchedFields(before, patch), ...checked }, actor, tx)
      })
      return present(row)
    },

    /** @throws Problem 404, 412 */
    remove: (id: string, { actor, ifMatch }: Access): Promise<void> =>
      db.transaction(async (tx) => {
        const row = await writer.lock(id, tx, ifMatch)
        await webhooks.destroy({ where: { id }, transaction: tx })
        const data = { ...presentEventData(row), version: row.version + 1 }
        await outbox.add(tx, webhookDeleted.of(data, actorRef(actor)))
        afterCommit(tx, onChanged)
      }),

    /** Sends again to a paused webhook, from where it stopped. @throws Problem 404 */
    resume: async (id: string, actor: Actor): Promise<Webhook> =>
      present(
        await db.transaction(async (tx) => {
          const row = await writer.lock(id, tx)
          return row.pausedReason === null ? row : writer.change(row, { pausedReason: null }, actor, tx)
        }),
      ),

    /** Gives it a new secret. For a day both sign. @throws Problem 404; 409 if it was rotated a moment ago */
    rotateSecret: (id: string, actor: Actor): Promise<WebhookSecret> =>
      db.transaction(async (tx) => {
        const row = await writer.lock(id, tx)
        const now = new Date()
        if (row.rotatedAt && now.getTime() - row.rotatedAt.getTime() < sameRotationMs)
          throw new Problem('conflict', { detail: 'the secret was changed a moment ago: use the one of that request' })
        const secret = newSecret()
        const previousSecretUntil = new Date(now.getTime() + rotationMs)
        const fields = { secret: box.seal(secret, id), previousSecret: row.secret, previousSecretUntil, rotatedAt: now }
        await writer.change(row, fields, actor, tx)
        return { secret, previousExpiresAt: previousSecretUntil.toISOString() }
      }),

    /** Sends a test to a webhook, also to a paused one, and returns the answer. @throws Problem 404 */
    test: async (id: string, actor: Actor): Promise<WebhookTest> => {
      const row = await writer.find(id)
      const { type, subject, data } = webhookTest.of({ id, version: row.version }, actorRef(actor))
      const event = {
        ...{ specversion: '1.0', id: newId(), source: '/activity-service', type, subject },
        ...{ time: new Date().toISOString(), datacontenttype: 'application/json', data },
      }
      const sent = { type, subject, eventId: event.id, at: new Date(event.time), version: row.version }
      const read = async () => ({ ...sent, body: JSON.stringify(event) })
      const outcome = await deliver(row, read, new AbortController().signal)
      if (!outcome) throw new Problem('unavailable', { detail: 'the service is stopping' })
      const { responseStatus, error, durationMs, answer } = outcome
      return {
        id: event.id,
        status: error === null ? 'delivered' : 'failed',
        responseStatus,
        error,
        durationMs,
        answer,
      }
    },
  }
}
