import type { NewWebhookReplay, Webhook } from '@clientele/contracts/webhook'
import type { Db, Tx } from '@clientele/platform/data/db'
import { afterCommit } from '@clientele/platform/data/transaction'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import { readFirstSince } from '../events/positions.ts'
import { checkTypes } from './event-types.ts'
import type { WebhookRow } from './webhook.model.ts'
import type { WebhookWriter } from './webhook.writer.ts'

type Deps = { db: Db; writer: WebhookWriter; get(id: string): Promise<Webhook>; onChanged(): void }

const insert = `insert into webhook_replays (webhook_id, position, position_at, until_seq, types, requested_at)
values ($1, $2, $3, $4, $5, clock_timestamp()) on conflict (webhook_id) do nothing returning webhook_id`

export type ReplayService = ReturnType<typeof createReplayService>

/** Sends recorded events once more, by a second cursor beside that of what is new. */
export const createReplayService = ({ db, writer, get, onChanged }: Deps) => {
  /** The last event of a replay: later ones were not sent yet, and are sent anyway. */
  const lastOf = async (until: string | undefined, { position }: WebhookRow, tx: Tx): Promise<number> => {
    const next = until === undefined ? undefined : await readFirstSince(db, until, tx)
    return Math.min(position, next === undefined ? position : next.seq - 1)
  }

  const check = ({ since, until }: NewWebhookReplay): void => {
    if (Date.parse(since) > Date.now()) throw fieldProblem('/since', 'invalid_value', 'must not be in the future')
    if (until !== undefined && Date.parse(until) <= Date.parse(since))
      throw fieldProblem('/until', 'invalid_value', 'must be after since')
  }

  return {
    /** @throws Problem 404; 409 while a replay is running or the webhook is paused; 422 */
    start: async (id: string, input: NewWebhookReplay): Promise<Webhook> => {
      check(input)
      const types = input.type && checkTypes(input.type, '/type')
      await db.transaction(async (tx) => {
        const row = await writer.lock(id, tx)
        if (row.pausedReason !== null)
          throw new Problem('invalid_state', { detail: 'the webhook is paused: resume it first' })
        const first = await readFirstSince(db, input.since, tx)
        if (!first) return
        const until = await lastOf(input.until, row, tx)
        const values = [id, first.seq - 1, first.recordedAt, until, types ?? row.events]
        if ((await db.query(insert, values, { tx })).length === 0)
          throw new Problem('invalid_state', { detail: 'a replay is running: wait until it has ended' })
        afterCommit(tx, onChanged)
      })
      return get(id)
    },
  }
}
