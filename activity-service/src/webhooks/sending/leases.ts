import type { Db } from '@clientele/platform/data/db'
import { selectList } from '@clientele/platform/data/select-list'
import type { WebhookTiming } from '../timing.ts'
import type { WebhookRow, Webhooks } from '../webhook.model.ts'

const markSeen = `insert into webhook_senders (id, seen_at) values ($1, now())
  on conflict (id) do update set seen_at = excluded.seen_at`
const forgetSenders = `delete from webhook_senders where seen_at < now() - make_interval(secs => 10 * $1::float8)`
const countSenders = `select count(*)::int as count from webhook_senders where seen_at > now() - make_interval(secs => $1::float8)`
const renewLeases = 'update webhooks set leased_until = now() + make_interval(secs => $2::float8) where leased_by = $1'

const claimFree = (
  columns: string,
) => `update webhooks set leased_by = $1, leased_until = now() + make_interval(secs => $2::float8)
where id in (
  select id from webhooks
  where id = any($3::uuid[]) and paused_reason is null and (leased_until is null or leased_until < now() or leased_by = $1)
  order by random() limit $4 for update skip locked
) returning ${columns}`

type Deps = { db: Db; webhooks: Webhooks; id: string; timing: WebhookTiming }

/**
 * The leases of one replica on webhooks. Each replica takes its share of the webhooks, and those of a replica that has died once its
 * leases have ended.
 */
export const createLeases = ({ db, webhooks, id, timing }: Deps) => {
  const claimSql = claimFree(selectList(webhooks))
  const leaseSeconds = timing.leaseMs / 1000
  let renewedAt = Number.NEGATIVE_INFINITY
  let senders = 1

  return {
    /** Whether the leases last longer than a request that starts now. */
    isSafe: (): boolean => {
      const margin = Math.min(timing.requestTimeoutMs, timing.leaseMs / 2)
      return performance.now() - renewedAt < timing.leaseMs - margin
    },
    /** Renews the leases if a third of their time has passed, and counts the replicas. */
    renew: async (): Promise<void> => {
      const now = performance.now()
      if (now - renewedAt < timing.leaseMs / 3) return
      await db.query(renewLeases, [id, leaseSeconds])
      renewedAt = now
      await db.query(markSeen, [id])
      await db.query(forgetSenders, [leaseSeconds])
      const [row] = await db.query<{ count: number }>(countSenders, [leaseSeconds])
      senders = Math.max(1, row?.count ?? 1)
    },
    /** How many of the webhooks are for this replica. */
    shareOf: (webhooks: number): number => Math.ceil(webhooks / senders),
    /** Takes at most `limit` webhooks that nobody has, or that this replica has and does not work on. */
    claim: async (ids: readonly string[], limit: number): Promise<WebhookRow[]> =>
      ids.length === 0 || limit <= 0 ? [] : db.query<WebhookRow>(claimSql, [id, leaseSeconds, ids, limit]),
    release: async (webhookId: string): Promise<void> => {
      const sql = 'update webhooks set leased_by = null, leased_until = null where id = $1 and leased_by = $2'
      await db.query(sql, [webhookId, id])
    },
    /** Leaves its share to the others. */
    leave: async (): Promise<void> => {
      await db.query('delete from webhook_senders where id = $1', [id])
    },
  }
}
