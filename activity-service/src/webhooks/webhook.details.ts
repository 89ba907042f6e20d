import type { Db } from '@clientele/platform/data/db'
import type { Bind } from '@clientele/platform/lists/condition'
import { typeCondition } from '../access/type-pattern.ts'
import type { WebhookRow } from './webhook.model.ts'
import type { WebhookDetails } from './webhook.presenter.ts'

const maxCounted = 10_000

/** How many events wait, or come after the position, counted up to 10,000. */
export const behindOf = async (db: Db, { id, position, positionAt, events }: WebhookRow): Promise<number> => {
  const values: unknown[] = [id, position, positionAt]
  const bind: Bind = (value) => `$${values.push(value)}`
  const sql = `select count(*)::int as count from (
    (select from webhook_retries where webhook_id = $1 limit ${maxCounted})
    union all
    (select from events where seq > $2 and recorded_at >= $3 and ${typeCondition(events, 'type', bind)} limit ${maxCounted})
  ) as counted`
  const [row] = await db.query<{ count: number }>(sql, values)
  return Math.min(row?.count ?? 0, maxCounted)
}

const selectReplay = `select position, until_seq as until, requested_at as "requestedAt"
from webhook_replays where webhook_id = $1`

/** Reads how far a webhook is. */
export const detailsOf = async (db: Db, row: WebhookRow): Promise<WebhookDetails> => {
  const [behind, [replay]] = await Promise.all([
    behindOf(db, row),
    db.query<NonNullable<WebhookDetails['replay']>>(selectReplay, [row.id]),
  ])
  return { behind, replay: replay ?? null }
}
