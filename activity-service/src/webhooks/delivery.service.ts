import type { Page } from '@clientele/contracts/page'
import type { WebhookDelivery } from '@clientele/contracts/webhook'
import type { Db } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import { type DeliveryRow, deliveryList } from './delivery.list.ts'
import type { WebhookWriter } from './webhook.writer.ts'

type Deps = { db: Db; writer: WebhookWriter; onChanged(): void }

const present = ({ at, nextAttemptAt, ...row }: DeliveryRow): WebhookDelivery => ({
  ...row,
  at: at.toISOString(),
  nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
})

const selectEvent = `select seq, recorded_at, subject from events
where seq = (select seq from webhook_deliveries where webhook_id = $1 and id = $2)`

const retryNow = `insert into webhook_retries (webhook_id, seq, recorded_at, subject, attempts, next_at)
select $1, seq, recorded_at, subject, 0, now() from (${selectEvent}) as event
on conflict (webhook_id, seq) do update set next_at = excluded.next_at
returning seq`

export type DeliveryService = ReturnType<typeof createDeliveryService>

/** Lists the attempts of a webhook, and sends events once more. */
export const createDeliveryService = ({ db, writer, onChanged }: Deps) => ({
  /** @throws Problem 404 */
  list: async (webhookId: string, query: Record<string, unknown>): Promise<Page<WebhookDelivery>> => {
    await writer.find(webhookId)
    const where = (bind: (value: unknown) => string) => `webhook_id = ${bind(webhookId)}::uuid`
    const { rows, page } = await deliveryList.run(db, query, { where })
    return { data: rows.map(present), page }
  },

  /** @throws Problem 404; 409 if the webhook is paused */
  resend: async (webhookId: string, deliveryId: string): Promise<void> => {
    const { pausedReason } = await writer.find(webhookId)
    if (pausedReason !== null)
      throw new Problem('invalid_state', { detail: 'the webhook is paused: resume it, and then send the event again' })
    const rows = await db.query(retryNow, [webhookId, deliveryId])
    if (rows.length === 0) throw new Problem('not_found', { detail: 'delivery not found' })
    onChanged()
  },
})
