import { acquireLock } from '@clientele/platform/data/advisory-lock'
import type { Db, Tx } from '@clientele/platform/data/db'
import { afterCommit } from '@clientele/platform/data/transaction'
import { counter } from '@clientele/platform/runtime/telemetry'
import type { NotificationRow } from '../notifications/notification.model.ts'
import type { Destination } from './route.ts'

/** `maxPerRecipient` is per hour, the others per day. */
export type Limits = {
  maxPerRecipient: number
  maxPerAuthor: number
  maxPerInstallation: number
}

/** Why a message is over a limit. */
type LimitReason = 'recipient_limit' | 'author_limit' | 'installation_limit'
const limitReasons = ['country_not_allowed', 'recipient_limit', 'author_limit', 'installation_limit']

type Usage = { recipient: number; author: number; installation: number }

// Each count stops at its limit, so a long history costs nothing.
const selectUsage = `select
  (select count(*) from (select from notifications where recipient = $2 and id <> $1
     and attempt_started_at > now() - interval '1 hour' limit $4) as counted)::int as recipient,
  (select count(*) from (select from notifications where author_id = $3 and id <> $1
     and attempt_started_at > now() - interval '1 day' limit $5) as counted)::int as author,
  (select count(*) from (select from notifications where id <> $1
     and attempt_started_at > now() - interval '1 day' limit $6) as counted)::int as installation`

export type MessageLimits = ReturnType<typeof createMessageLimits>

/**
 * Limits of messages, so that nobody can run up the bill of the SMS provider, or use the shop to send messages to strangers.
 * Messages are counted by their attempts, in the transaction that records them.
 */
export const createMessageLimits = ({ db, limits }: { db: Db; limits: Limits }) => {
  const overLimit = counter('notifications_over_limit_total', 'Notifications that were skipped because of a limit', [
    'reason',
  ])
  for (const reason of limitReasons) overLimit.inc({ reason }, 0)

  const reasonOf = ({ recipient, author, installation }: Usage): LimitReason | undefined => {
    if (recipient >= limits.maxPerRecipient) return 'recipient_limit'
    if (author >= limits.maxPerAuthor) return 'author_limit'
    return installation >= limits.maxPerInstallation ? 'installation_limit' : undefined
  }

  /** Counts a skipped message if its reason is a limit. */
  const count = (reason: string, tx: Tx): void => {
    if (limitReasons.includes(reason)) afterCommit(tx, () => overLimit.inc({ reason }))
  }

  const check = async (
    { id, authorId }: NotificationRow,
    { to }: Destination,
    tx: Tx,
  ): Promise<LimitReason | undefined> => {
    const { maxPerRecipient, maxPerAuthor, maxPerInstallation } = limits
    const parameters = [id, to, authorId, maxPerRecipient, maxPerAuthor, maxPerInstallation]
    const [usage] = await db.query<Usage>(selectUsage, parameters, { tx, name: 'notification_usage' })
    return usage && reasonOf(usage)
  }

  return {
    /** Makes other replicas wait until the transaction ends, so that two never count the same messages. */
    lock: (tx: Tx): Promise<void> => acquireLock(db, tx, 'notification limits'),
    /** @returns why the message may not be sent, or undefined. Call `lock` before. */
    check,
    count,
  }
}
