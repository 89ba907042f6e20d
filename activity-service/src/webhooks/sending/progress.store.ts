import type { Db } from '@clientele/platform/data/db'
import type { Bind } from '@clientele/platform/lists/condition'
import { typeCondition } from '../../access/type-pattern.ts'
import type { Outcome } from '../requests/sender.ts'
import type { SentEvent } from './payload.ts'
import type { Cursor, Item } from './window.ts'

/** Events of one page together are at most a little larger, because they are kept in memory. */
const maxPageBytes = 1_000_000
const pageSize = 100

const eventColumns = `event_id as "eventId", type, subject, at, version, body`

type EventRow = SentEvent & { seq: number; recordedAt: Date }

const itemOf = ({ seq, recordedAt, ...event }: EventRow, attempts = 0): Item => ({
  ...{ seq, recordedAt, attempts, event },
  readAt: performance.now(),
})

/** An event that was read longer ago is read again before it is sent, because the customer may have been purged. */
const freshMs = 1_000

/** An attempt that has ended. `nextInMs`: when the event is tried again; null if it is not. */
export type Attempted = { id: string; item: Item; outcome: Outcome; nextInMs: number | null }

/** What has happened since the last time. Everything in it is written, or nothing. */
export type Progress = {
  live: Cursor
  replay: (Cursor & { isDone: boolean }) | undefined
  failures: number
  failingSince: Date | null
  lastSuccessAt: Date | null
  attempted: readonly Attempted[]
  /** Events that wait behind one of their subject. */
  deferred: readonly Item[]
  /** The `seq` of events that are not tried again. */
  ended: readonly number[]
}

const selectPage = (types: string) => `select seq, recorded_at as "recordedAt", ${eventColumns}, found from (
  select *, count(*) over ()::int as found,
    sum(coalesce(octet_length(body), 0)) over (order by seq) - coalesce(octet_length(body), 0) as bytes_before
  from (select * from events where seq > $1 and recorded_at >= $2 and seq <= $3 and ${types} order by seq limit ${pageSize}) as page
) as sized where bytes_before < ${maxPageBytes} order by seq`

const due = {
  /** All events that are due. */
  any: `select * from webhook_retries where webhook_id = $1 and next_at <= now() and seq <> all($2::bigint[])
    order by seq limit $3`,
  /** Of each subject the oldest event, if it is due. */
  ordered: `select * from (
      select distinct on (subject) * from webhook_retries where webhook_id = $1 order by subject, seq
    ) as oldest where next_at <= now() and seq <> all($2::bigint[]) order by seq limit $3`,
  /** The oldest event, if it is due. */
  oldest: `select * from (select * from webhook_retries where webhook_id = $1 order by seq limit 1) as oldest
    where next_at <= now() and seq <> all($2::bigint[]) limit $3`,
}
export type DueKind = keyof typeof due

const selectDue = (kind: DueKind) => `select due.seq, due.recorded_at as "recordedAt", due.attempts,
  event.event_id as "eventId", event.type, event.subject, event.at, event.version, event.body
from (${due[kind]}) as due
left join events as event on event.recorded_at = due.recorded_at and event.seq = due.seq order by due.seq`

const write = `with webhook as (
  update webhooks set position = $3, position_at = $4, failures = $5, failing_since = $6,
    last_success_at = coalesce($7, last_success_at)
  where id = $1 and leased_by = $2 returning id
), attempted as (
  insert into webhook_deliveries (webhook_id, id, at, seq, event_id, type, subject, attempt, status, response_status, error,
    duration_ms, answer, next_attempt_at)
  select webhook.id, attempt.* from webhook, unnest($8::uuid[], $9::timestamptz[], $10::bigint[], $11::uuid[], $12::text[],
    $13::text[], $14::integer[], $15::text[], $16::integer[], $17::text[], $18::integer[], $19::text[], $20::timestamptz[]) as attempt
), waiting as (
  insert into webhook_retries (webhook_id, seq, recorded_at, subject, attempts, next_at)
  select webhook.id, seq, recorded_at, subject, attempts, now() + make_interval(secs => next_in_ms / 1000.0)
  from webhook, unnest($21::bigint[], $22::timestamptz[], $23::text[], $24::integer[], $25::float8[])
    as retry (seq, recorded_at, subject, attempts, next_in_ms)
  on conflict (webhook_id, seq) do update set attempts = excluded.attempts, next_at = excluded.next_at
), ended as (
  delete from webhook_retries using webhook where webhook_id = webhook.id and seq = any($26::bigint[])
), moved as (
  update webhook_replays set position = $27, position_at = $28 from webhook where webhook_id = webhook.id and not $29::boolean
    and $27::bigint is not null
), finished as (
  delete from webhook_replays using webhook where webhook_id = webhook.id and $29::boolean
)
select id from webhook`

const nextAt = ({ outcome, nextInMs }: Attempted): Date | null =>
  nextInMs === null ? null : new Date(outcome.at.getTime() + outcome.durationMs + nextInMs)

/** Reads the events of a webhook, and writes what became of them. */
export const createProgressStore = ({ db }: { db: Db }) => ({
  /** Reads the events after a cursor. @returns the events, and how far they were looked for */
  readPage: async (after: Cursor, until: Cursor, patterns: readonly string[]) => {
    const values: unknown[] = [after.position, after.positionAt, until.position]
    const bind: Bind = (value) => `$${values.push(value)}`
    const sql = selectPage(typeCondition(patterns, 'type', bind))
    const rows = await db.query<EventRow & { found: number }>(sql, values)
    const last = rows.at(-1)
    const isWhole = rows.length < pageSize && rows.length === (last?.found ?? 0)
    return {
      items: rows.map(({ found: _found, ...row }) => itemOf(row)),
      to: last === undefined || isWhole ? until : { position: last.seq, positionAt: last.recordedAt },
    }
  },

  /** Returns an event as it is now. */
  readCurrent: async ({ seq, recordedAt, event, readAt }: Item): Promise<SentEvent> => {
    if (performance.now() - readAt < freshMs) return event
    const sql = 'select body from events where recorded_at = $1 and seq = $2'
    const [row] = await db.query<Pick<SentEvent, 'body'>>(sql, [recordedAt, seq], { name: 'webhook_body' })
    return { ...event, body: row?.body ?? null }
  },

  /** Reads events that are due for another attempt. `missing` are those that are not kept any more. */
  readDue: async (webhookId: string, kind: DueKind, held: readonly number[], limit: number) => {
    type Row = Omit<EventRow, 'eventId'> & { eventId: string | null; attempts: number }
    const rows = await db.query<Row>(selectDue(kind), [webhookId, held, limit], { name: `webhook_due_${kind}` })
    const missing = rows.filter(({ eventId }) => eventId === null).map(({ seq }) => seq)
    const items = rows.flatMap(({ attempts, eventId, ...row }) =>
      eventId === null ? [] : [itemOf({ ...row, eventId }, attempts)],
    )
    return { items, missing }
  },

  /** The events of a webhook that wait, and their subjects. */
  readWaiting: (webhookId: string): Promise<{ seq: number; subject: string }[]> =>
    db.query('select seq, subject from webhook_retries where webhook_id = $1', [webhookId]),

  readReplay: async (webhookId: string) => {
    type Row = Cursor & { until: number; types: string[] }
    const sql = `select position, position_at as "positionAt", until_seq as until, types from webhook_replays where webhook_id = $1`
    const [row] = await db.query<Row>(sql, [webhookId], { name: 'webhook_replay' })
    return row
  },

  /** @returns whether it was written; it is not if another replica has the webhook now, or the webhook was deleted */
  write: async (webhookId: string, leasedBy: string, progress: Progress): Promise<boolean> => {
    const { live, replay, attempted, deferred } = progress
    const waiting = [
      ...attempted.flatMap(({ item, nextInMs }) =>
        nextInMs === null ? [] : [{ item, attempts: item.attempts + 1, nextInMs }],
      ),
      ...deferred.map((item) => ({ item, attempts: item.attempts, nextInMs: 0 })),
    ]
    const rows = await db.query(
      write,
      [
        ...[webhookId, leasedBy, live.position, live.positionAt],
        ...[progress.failures, progress.failingSince, progress.lastSuccessAt],
        attempted.map(({ id }) => id),
        attempted.map(({ outcome }) => outcome.at),
        attempted.map(({ item }) => item.seq),
        attempted.map(({ item }) => item.event.eventId),
        attempted.map(({ item }) => item.event.type),
        attempted.map(({ item }) => item.event.subject),
        attempted.map(({ item }) => item.attempts + 1),
        attempted.map(({ outcome }) => (outcome.error === null ? 'delivered' : 'failed')),
        attempted.map(({ outcome }) => outcome.responseStatus),
        attempted.map(({ outcome }) => outcome.error),
        attempted.map(({ outcome }) => outcome.durationMs),
        attempted.map(({ item, outcome }) => (item.event.body === null ? null : outcome.answer)),
        attempted.map(nextAt),
        waiting.map(({ item }) => item.seq),
        waiting.map(({ item }) => item.recordedAt),
        waiting.map(({ item }) => item.event.subject),
        waiting.map(({ attempts }) => attempts),
        waiting.map(({ nextInMs }) => nextInMs),
        progress.ended,
        ...[replay?.position ?? null, replay?.positionAt ?? null, replay?.isDone ?? false],
      ],
      { name: 'webhook_progress' },
    )
    return rows.length > 0
  },

  /** Makes all events that wait due. */
  retryNow: async (webhookId: string): Promise<void> => {
    const sql = 'update webhook_retries set next_at = now() where webhook_id = $1 and next_at > now()'
    await db.query(sql, [webhookId])
  },
})
export type ProgressStore = ReturnType<typeof createProgressStore>
