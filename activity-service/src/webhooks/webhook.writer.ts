import type { WebhookPausedReason } from '@clientele/contracts/webhook'
import { webhookPaused, webhookResumed, webhookUpdated } from '@clientele/contracts/webhook'
import { type Actor, actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import { changesOf } from '@clientele/platform/data/changes'
import type { Db, Tx } from '@clientele/platform/data/db'
import { nextStamps } from '@clientele/platform/data/stamps'
import { afterCommit } from '@clientele/platform/data/transaction'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { type IfMatch, requireVersion } from '@clientele/platform/http/if-match'
import type { Log } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import type { WebhookRow, Webhooks } from './webhook.model.ts'
import { presentEventData } from './webhook.presenter.ts'

const comparedFields = ['origin', 'events', 'description', 'ordered', 'payload'] as const
const system = systemActor('activity-service')

type Deps = { db: Db; webhooks: Webhooks; log: Log; onChanged(): void }

/** Writes changes of webhooks with their events. */
export const createWebhookWriter = ({ db, webhooks, log, onChanged }: Deps) => {
  const notFound = () => new Problem('not_found', { detail: 'webhook not found' })

  /** @throws Problem 404 */
  const find = async (id: string): Promise<WebhookRow> => {
    const row = await webhooks.findByPk(id)
    if (!row) throw notFound()
    return row.get({ plain: true })
  }

  /** @throws Problem 404, 412 */
  const lock = async (id: string, tx: Tx, ifMatch?: IfMatch): Promise<WebhookRow> => {
    const row = await webhooks.findByPk(id, { transaction: tx, lock: tx.LOCK.UPDATE })
    if (!row) throw notFound()
    requireVersion('the webhook', row, ifMatch)
    return row.get({ plain: true })
  }

  const publish = async (before: WebhookRow, after: WebhookRow, actor: Actor, tx: Tx): Promise<void> => {
    const data = presentEventData(after)
    const changes = changesOf(presentEventData(before), data, comparedFields)
    const events = []
    // A change of the URL's path has no visible field, because the path is often a secret.
    if (changes || before.url !== after.url)
      events.push(webhookUpdated.of(data, actorRef(actor), changes ?? { changed: ['url'], previous: {} }))
    if (before.pausedReason === null && after.pausedReason !== null)
      events.push(webhookPaused.of(data, actorRef(actor)))
    if (before.pausedReason !== null && after.pausedReason === null)
      events.push(webhookResumed.of(data, actorRef(actor)))
    await outbox.add(tx, ...events)
  }

  /** Changes a locked webhook. A resumed one begins without failures, and its events that wait are due. */
  const change = async (row: WebhookRow, fields: Partial<WebhookRow>, actor: Actor, tx: Tx): Promise<WebhookRow> => {
    const resumes = row.pausedReason !== null && fields.pausedReason === null
    const health = resumes ? { failures: 0, failingSince: null } : {}
    const changed = { ...fields, ...health, ...nextStamps(row, actor) }
    await webhooks.update(changed, { where: { id: row.id }, transaction: tx })
    if (resumes) await db.query('update webhook_retries set next_at = now() where webhook_id = $1', [row.id], { tx })
    const next = { ...row, ...changed }
    await publish(row, next, actor, tx)
    afterCommit(tx, onChanged)
    return next
  }

  return {
    find,
    lock,
    change,
    /** Pauses a webhook that is not paused. */
    pause: (id: string, reason: WebhookPausedReason): Promise<void> =>
      db.transaction(async (tx) => {
        const row = await lock(id, tx)
        if (row.pausedReason !== null) return
        await change(row, { pausedReason: reason }, system, tx)
        log.warn({ webhookId: id, reason, failingSince: row.failingSince }, 'a webhook was paused')
      }),
  }
}
export type WebhookWriter = ReturnType<typeof createWebhookWriter>
