import type pg from 'pg'
import { borrowConnection } from '../../data/connection.ts'
import type { Db } from '../../data/database.ts'
import { exchange, type OutgoingMessage } from '../broker.ts'
import { partitions } from './outbox.ts'

/** A row of the table `outbox`. `part` is the partition: 0 to 7 for request events, 8 to 15 for bulk events. */
export type Row = {
  id: number
  part: number
  event_id: string
  type: string
  subject: string
  data: string
  traceparent: string | null
  created_at: Date
  /** Seconds between writing and claiming the row, by the database's clock. */
  age: number
}

/**
 * `more`: a partition may have further request events. `lockedElsewhere`: the number of partitions with events that another
 * process relays now.
 */
export type ClaimResult = { rows: Row[]; more: boolean; lockedElsewhere: number }

const rowColumns = `id, part, event_id, type, subject, data::text as data, traceparent, created_at,
  extract(epoch from clock_timestamp() - created_at)::float8 as age`
const maxPerPartition = 100
// The lock of a partition covers its bulk partition too.
const tryLockSql = `try_lock('outbox ' || part % ${partitions})`

// Jobs commit with synchronous_commit off. PostgreSQL flushes such commits within three times wal_writer_delay, 0.6 s by
// default.
const maxFlushSeconds = 3

const hasRequestEventsSql = `select exists (
  select from outbox where (part, id) < (${partitions}, 0) and returned_at is null order by part, id limit 1
) as found`

// Compares pairs: given `part = x order by id`, the planner tends to walk the primary key through all other partitions.
const inPartition = (part: string) =>
  `(outbox.part, outbox.id) > (${part}, 0) and (outbox.part, outbox.id) < (${part} + 1, 0)`

const bulkAgeSql = `select extract(epoch from clock_timestamp() - min(first.created_at))::float8 as oldest,
  extract(epoch from clock_timestamp() - max(last.created_at))::float8 as newest
from generate_series(${partitions}, ${2 * partitions - 1}) as numbers (part)
  cross join lateral (
    select created_at from outbox where ${inPartition('numbers.part')} and returned_at is null order by part, id limit 1
  ) as first
  cross join lateral (
    select created_at from outbox where ${inPartition('numbers.part')} and returned_at is null order by part desc, id desc limit 1
  ) as last`

// Locks every partition that has events and claims its oldest rows. Request events go first, but never ahead of an older bulk
// event for the same subject. If a partition has fewer than 100 request events, up to $1 bulk events are claimed too.
// `for update` skips rows that the previous lock holder deleted after this statement's snapshot. Without events, the statement
// returns one row whose only value is `locked_elsewhere`.
const claimSql = `with partitions as materialized (
  select numbers.part::smallint as part, case when exists (
    select from outbox where outbox.part = numbers.part::smallint and returned_at is null
  ) or $1 > 0 and exists (
    select from outbox where outbox.part = numbers.part::smallint + ${partitions} and returned_at is null
  ) then ${tryLockSql} end as is_locked
  from generate_series(0, ${partitions - 1}) as numbers (part)
), request_events as materialized (
  select partitions.part, row_ctid, id, subject from partitions cross join lateral (
    select ctid as row_ctid, id, subject from outbox where ${inPartition('partitions.part')} and returned_at is null
    order by part, id limit ${maxPerPartition} for update
  ) as oldest where is_locked
), bulk_events as materialized (
  select row_ctid from partitions cross join lateral (
    select ctid as row_ctid from outbox where ${inPartition(`partitions.part + ${partitions}`)} and returned_at is null
      and created_at < clock_timestamp() - interval '${maxFlushSeconds} seconds'
    order by part, id limit $1 for update
  ) as oldest
  where $1 > 0 and is_locked
    and (select count(*) from request_events where request_events.part = partitions.part) < ${maxPerPartition}
), claimed as (
  delete from outbox where ctid = any (array (
    select row_ctid from request_events union all select row_ctid from bulk_events union all
    select earlier.row_ctid from request_events cross join lateral (
      select ctid as row_ctid from outbox
      where outbox.subject = request_events.subject and outbox.id < request_events.id
        and outbox.part >= ${partitions} and returned_at is null
      for update
    ) as earlier
  )) returning ${rowColumns}
)
select claimed.*, (select count(*)::int from partitions where not is_locked) as locked_elsewhere
from (select) as one left join claimed on true order by id`

const claimUnroutableSql = `with oldest as materialized (
  select part, id from outbox where type = $1 and returned_at is not null order by id limit 1
)
delete from outbox where id = (select id from oldest where ${tryLockSql}) and returned_at is not null returning ${rowColumns}`

const putBackSql = `insert into outbox (id, part, event_id, type, subject, data, traceparent, created_at, returned_at)
overriding system value
select id, part, event_id, type, subject, data::json, traceparent, created_at, case when $9 then clock_timestamp() end
from unnest($1::bigint[], $2::smallint[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
  as row (id, part, event_id, type, subject, data, traceparent, created_at)`

/** Whether request events wait to be published. */
export const hasRequestEvents = async (db: Db): Promise<boolean> =>
  (await db.query<{ found: boolean }>(hasRequestEventsSql, [], { name: 'outbox_waiting' }))[0]?.found === true

/** The ages of the oldest and the newest bulk event in seconds; null without bulk events. */
export type BulkAge = { oldest: number | null; newest: number | null }

/** Reads the {@link BulkAge}. */
export const readBulkAge = async (db: Db): Promise<BulkAge> =>
  (await db.query<BulkAge>(bulkAgeSql, [], { name: 'outbox_bulk' }))[0] ?? { oldest: null, newest: null }

/**
 * The right to relay the partitions that a transaction has locked. The transaction deletes claimed rows and commits once the
 * broker has confirmed them. If it fails, the rows are still there.
 */
export type OutboxLease = {
  /** Claims request events. */
  claim(): Promise<ClaimResult>
  /** Claims the oldest unroutable event of a type. */
  claimUnroutable(type: string): Promise<Row | undefined>
  /** Puts rows back, either marked as unroutable or to be published again. */
  putBack(rows: Row[], unroutable: boolean): Promise<void>
}

const prepared = new WeakSet<pg.Client>()
const executeClaim = (maxBulkPerPartition: number) => `execute outbox_take(${Math.trunc(maxBulkPerPartition)})`
const begin = [
  'begin',
  // If the database crashes before the flush, the rows are back and are published once more.
  'set local synchronous_commit = off',
  // Cached plans may have been made while the table was empty. They must not scan all of it later.
  'set local enable_seqscan = off',
  'set local enable_bitmapscan = off',
  // Otherwise the server would replan each time, because a plan for 0 bulk rows looks cheaper.
  'set local plan_cache_mode = force_generic_plan',
].join('; ')

/**
 * Runs `work` with a lease and the rows of its first claim, including up to `maxBulkPerPartition` bulk events of each
 * partition.
 */
export const withFirstClaim = <T>(
  db: Db,
  maxBulkPerPartition: number,
  work: (lease: OutboxLease, first: ClaimResult) => Promise<T>,
): Promise<T> =>
  withConnection(db, async (client) => {
    if (!prepared.has(client)) await client.query(`prepare outbox_take (integer) as ${claimSql}`)
    prepared.add(client)
    // One round trip, because an event that has just been committed waits for it. pg returns one result per statement.
    const results: unknown = await client.query(`${begin}; ${executeClaim(maxBulkPerPartition)}`)
    return work(createLease(client), toClaimResult((results as pg.QueryResult<ClaimRow>[]).at(-1)?.rows ?? []))
  })

/** Runs `work` with a lease that has not claimed any rows yet. */
export const withLease = <T>(db: Db, work: (lease: OutboxLease) => Promise<T>): Promise<T> =>
  withConnection(db, async (client) => {
    await client.query(begin)
    return work(createLease(client))
  })

const withConnection = async <T>({ sequelize }: Db, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const connection = await borrowConnection(sequelize)
  try {
    const result = await work(connection.client)
    await connection.client.query('commit')
    connection.release()
    return result
  } catch (error) {
    await connection.destroy()
    throw error
  }
}

type ClaimRow = Row & { locked_elsewhere: number }

const toClaimResult = (claimed: ClaimRow[]): ClaimResult => {
  // Without events, there is one row of nulls.
  const rows = claimed.filter(({ id }) => id !== null)
  const counts = new Map<number, number>()
  for (const { part } of rows) counts.set(part, (counts.get(part) ?? 0) + 1)
  const more = [...counts].some(([part, count]) => part < partitions && count === maxPerPartition)
  return { rows, more, lockedElsewhere: claimed[0]?.locked_elsewhere ?? 0 }
}

const createLease = (client: pg.Client): OutboxLease => ({
  claim: async () => toClaimResult((await client.query<ClaimRow>(executeClaim(0))).rows),
  claimUnroutable: async (type) => (await client.query<Row>(claimUnroutableSql, [type])).rows[0],
  putBack: async (rows, unroutable) => {
    if (rows.length === 0) return
    const column = (name: keyof Row) => rows.map((row) => row[name])
    const names = ['id', 'part', 'event_id', 'type', 'subject', 'data', 'traceparent', 'created_at'] as const
    await client.query({ text: putBackSql, values: [...names.map(column), unroutable] })
  },
})

/** The header of events that were added by `outbox.addInBulk`. */
export const bulkHeader = 'bulk'

/** Converts a row to its message: CloudEvents 1.0 in structured JSON. The stored JSON text of the data is inserted as it is. */
export const messageOf = (row: Row, source: string, account: string | undefined): OutgoingMessage => {
  const { part, event_id, type, subject, data, traceparent, created_at } = row
  const head = {
    specversion: '1.0',
    id: event_id,
    source,
    type,
    subject,
    time: created_at.toISOString(),
    datacontenttype: 'application/json',
  }
  return {
    exchange,
    routingKey: type,
    content: Buffer.from(`${JSON.stringify(head).slice(0, -1)},"data":${data}}`),
    messageId: event_id,
    type,
    contentType: 'application/cloudevents+json',
    timestamp: Math.floor(created_at.getTime() / 1000),
    headers: { ...(traceparent !== null && { traceparent }), ...(part >= partitions && { [bulkHeader]: true }) },
    ...(account !== undefined && { userId: account }),
  }
}
