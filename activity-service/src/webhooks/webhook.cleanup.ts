import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { gauge } from '@clientele/platform/runtime/telemetry'
import type { SecretBox } from './secrets.ts'
import { keptDays } from './timing.ts'
import { behindOf } from './webhook.details.ts'
import type { WebhookRow, Webhooks } from './webhook.model.ts'
import { stateOf } from './webhook.presenter.ts'

type Deps = { db: Db; webhooks: Webhooks; box: SecretBox; log: Log; intervalMs: number }

const createPartitions = `select create_delivery_partition((now() at time zone 'UTC')::date + day) from unnest(array[0, 1]) as day`
const dropPartitions = `select drop_delivery_partitions((now() at time zone 'UTC')::date - $1::integer)`

/** An answer may repeat what was sent. One that arrived while the customer was purged is removed here. */
const redactAnswers = `update webhook_deliveries as delivery set answer = null
from redactions as redaction
join event_refs as referring on referring.ref = redaction.ref
join events as event on event.class = referring.class and event.recorded_at = referring.recorded_at and event.seq = referring.seq
where redaction.redacted_at > now() - interval '1 hour'
  and delivery.subject = event.subject and delivery.seq = event.seq and delivery.answer is not null`

/** Keeps the tables of webhooks in order, and measures webhooks. */
export const createCleanup = ({ db, webhooks, box, log, intervalMs }: Deps): Task => {
  const counts = gauge('webhooks', 'Webhooks by state', ['state'])
  const behind = gauge('webhooks_behind', 'The most events that an active or failing webhook is behind, up to 10,000')

  /** Encrypts secrets with the first of the keys, so that the others can be removed, and removes those that sign no more. */
  const renewSecrets = async (rows: readonly WebhookRow[]): Promise<void> => {
    for (const { id, secret, previousSecret, previousSecretUntil } of rows) {
      const isExpired = previousSecretUntil !== null && previousSecretUntil < new Date()
      if (isExpired)
        await webhooks.update({ previousSecret: null, previousSecretUntil: null }, { where: { id, previousSecret } })
      const opened = box.isOutdated(secret, id) ? box.open(secret, id) : undefined
      const openedPrevious =
        previousSecret && box.isOutdated(previousSecret, id) ? box.open(previousSecret, id) : undefined
      if (opened !== undefined) await webhooks.update({ secret: box.seal(opened, id) }, { where: { id, secret } })
      if (openedPrevious !== undefined && previousSecret !== null)
        await webhooks.update({ previousSecret: box.seal(openedPrevious, id) }, { where: { id, previousSecret } })
    }
  }

  const measure = async (rows: readonly WebhookRow[]): Promise<void> => {
    const states = rows.map((row) => (row.pausedReason === 'deactivated' ? 'deactivated' : stateOf(row)))
    for (const state of ['active', 'failing', 'paused', 'deactivated'])
      counts.set({ state }, states.filter((each) => each === state).length)
    const running = rows.filter(({ pausedReason }) => pausedReason === null)
    behind.set(Math.max(0, ...(await Promise.all(running.map((row) => behindOf(db, row))))))
  }

  return periodicTask({
    name: 'webhook-cleanup',
    intervalMs,
    runAtStart: true,
    log,
    run: async () => {
      await db.query(createPartitions)
      await db.query(dropPartitions, [keptDays])
      const rows = await webhooks.findAll({ raw: true })
      await renewSecrets(rows)
      await db.query(redactAnswers)
      await measure(rows)
    },
  })
}
