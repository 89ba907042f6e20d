import type pg from 'pg'
import { borrowConnection } from '../../data/connection.ts'
import type { Db } from '../../data/database.ts'
import { exchange, type Outgoing } from '../broker.ts'
import { partitions } from './outbox.ts'

/** A row of the outbox. */
export type Row = {
  id: number
  part: number
  event_id: string
  type: string
  subject: string
  data: string
  traceparent: string | null
  created_at: Date
  /** Seconds from its writing until it was taken, by the database's clock. */
  age: number
}

/** `full`: a partition has more rows; `elsewhere`: so many partitions with events are relayed by another process now. */
export type Claimed = { rows: Row[]; full: boolean; elsewhere: number }

const columns = `id, part, event_id, type, subject, data::text as data, traceparent, created_at,
  extract(epoch from clock_timestamp() - created_at)::float8 as age`
const maxOfPart = 100
// One process relays a partition, and the one for bulk behind it.
const lock = `pg_try_advisory_xact_lock(hashtext('outbox ' || current_schema()), part % ${partitions})`

// A job's commits do not wait for the disk. The server writes them within three wal_writer_delay, which is 0.6 s by default.
const maxUnwrittenS = 3

const waiting = `select exists (
  select from outbox where (part, id) < (${partitions}, 0) and returned_at is null order by part, id limit 1
) as found`

// By pairs, because for a partition in the order of ids the planner likes to walk the primary key through all other partitions.
const within = (part: string) =>
  `(outbox.part, outbox.id) > (${part}, 0) and (outbox.part, outbox.id) < (${part} + 1, 0)`

const bulk = `select extract(epoch from clock_timestamp() - min(first.created_at))::float8 as oldest,
  extract(epoch from clock_timestamp() - max(last.created_at))::float8 as newest
from generate_series(${partitions}, ${2 * partitions - 1}) as every (part)
  cross join lateral (
    select created_at from outbox where ${within('every.part')} and returned_at is null order by part, id limit 1
  ) as first
  cross join lateral (
    select created_at from outbox where ${within('every.part')} and returned_at is null order by part desc, id desc limit 1
  ) as last`

// Locks every partition that has events and claims its oldest rows. Request events go first, but never ahead of an older bulk
// event for the same subject. If a partition has fewer than 100 request events, up to $1 bulk events are claimed too.
// `for update` drops rows that the former holder removed after this statement's snapshot.
const claim = `with kept as materialized (
  select part::smallint as part, case when exists (
    select from outbox where outbox.part = every.part::smallint and returned_at is null
  ) or $1 > 0 and exists (
    select from outbox where outbox.part = every.part::smallint + ${partitions} and returned_at is null
  ) then ${lock} end as held
  from generate_series(0, ${partitions - 1}) as every (part)
), live as materialized (
  select kept.part, place, id, subject from kept cross join lateral (
    select ctid as place, id, subject from outbox where ${within('kept.part')} and returned_at is null
    order by part, id limit ${maxOfPart} for update
  ) as oldest where held
), behind as materialized (
  select place from kept cross join lateral (
    select ctid as place from outbox where ${within(`kept.part + ${partitions}`)} and returned_at is null
      and created_at < clock_timestamp() - interval '${maxUnwrittenS} seconds'
    order by part, id limit $1 for update
  ) as oldest where $1 > 0 and held and (select count(*) from live where live.part = kept.part) < ${maxOfPart}
), gone as (
  delete from outbox where ctid = any (array (
    select place from live union all select place from behind union all
    select earlier.place from live cross join lateral (
      select ctid as place from outbox
      where outbox.subject = live.subject and outbox.id < live.id and outbox.part >= ${partitions} and returned_at is null
      for update
    ) as earlier
  )) returning ${columns}
)
select gone.*, (select count(*)::int from kept where not held) as elsewhere
from (select) as one left join gone on true order by id`

const claimReturned = `with oldest as materialized (
  select part, id from outbox where type = $1 and returned_at is not null order by id limit 1
)
delete from outbox where id = (select id from oldest where ${lock}) and returned_at is not null returning ${columns}`

const putBack = `insert into outbox (id, part, event_id, type, subject, data, traceparent, created_at, returned_at)
overriding system value
select id, part, event_id, type, subject, data::json, traceparent, created_at, case when $9 then clock_timestamp() end
from unnest($1::bigint[], $2::smallint[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[])
  as row (id, part, event_id, type, subject, data, traceparent, created_at)`

/** Whether there is anything to relay at once. */
export const isWaiting = async (db: Db): Promise<boolean> =>
  (await db.query<{ found: boolean }>(waiting, [], { name: 'outbox_waiting' }))[0]?.found === true

/** Age of the events in bulk, in seconds; null where there are none. */
export type BulkAge = { oldest: number | null; newest: number | null }

export const bulkAge = async (db: Db): Promise<BulkAge> =>
  (await db.query<BulkAge>(bulk, [], { name: 'outbox_bulk' }))[0] ?? { oldest: null, newest: null }

/**
 * The right to relay the partitions that a transaction has locked. Claimed rows are deleted in that transaction, which ends
 * once the broker has answered: until then nobody else sees them gone, and if it fails they are back.
 */
export type OutboxLease = {
  /** Claims rows of requests. */
  claim(): Promise<Claimed>
  /** Claims the oldest row of a type that no queue took. */
  claimReturned(type: string): Promise<Row | undefined>
  /** Puts rows back, marked as returned or to be relayed again. */
  putBack(rows: Row[], returned: boolean): Promise<void>
}

const prepared = new WeakSet<pg.Client>()
const execute = (bulkOfPart: number) => `execute outbox_take(${Math.trunc(bulkOfPart)})`
// The commit does not wait for the disk: where the database crashes just then, rows are back, and published once more.
// Plans are kept, also those that were made when the table was empty: none of them may read all of it. One for any number of
// rows in bulk is kept as well; left alone, the server plans anew each time, because nothing in bulk looks cheaper.
const begin = [
  'begin',
  'set local synchronous_commit = off',
  'set local enable_seqscan = off',
  'set local enable_bitmapscan = off',
  'set local plan_cache_mode = force_generic_plan',
].join('; ')

/** Runs `work` with a lease and its first rows, among them up to `bulkOfPart` bulk events of each partition. */
export const withFirstRows = <T>(
  db: Db,
  bulkOfPart: number,
  work: (lease: OutboxLease, first: Claimed) => Promise<T>,
): Promise<T> =>
  onConnection(db, async (client) => {
    if (!prepared.has(client)) await client.query(`prepare outbox_take (integer) as ${claim}`)
    prepared.add(client)
    // In one round trip: an event that has just been committed waits for it.
    // pg gives a result for each statement.
    const results: unknown = await client.query(`${begin}; ${execute(bulkOfPart)}`)
    return work(leaseOf(client), claimedOf((results as pg.QueryResult<Answer>[]).at(-1)?.rows ?? []))
  })

/** Runs `work` with a lease that has claimed nothing yet. */
export const withLease = <T>(db: Db, work: (lease: OutboxLease) => Promise<T>): Promise<T> =>
  onConnection(db, async (client) => {
    await client.query(begin)
    return work(leaseOf(client))
  })

const onConnection = async <T>({ sequelize }: Db, work: (client: pg.Client) => Promise<T>): Promise<T> => {
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

type Answer = Row & { elsewhere: number }

const claimedOf = (answer: Answer[]): Claimed => {
  const rows = answer.filter(({ id }) => id !== null)
  const counts = new Map<number, number>()
  for (const { part } of rows) counts.set(part, (counts.get(part) ?? 0) + 1)
  const full = [...counts].some(([part, count]) => part < partitions && count === maxOfPart)
  return { rows, full, elsewhere: answer[0]?.elsewhere ?? 0 }
}

const leaseOf = (client: pg.Client): OutboxLease => ({
  claim: async () => claimedOf((await client.query<Answer>(execute(0))).rows),
  claimReturned: async (type) => (await client.query<Row>(claimReturned, [type])).rows[0],
  putBack: async (rows, returned) => {
    if (rows.length === 0) return
    const column = (name: keyof Row) => rows.map((row) => row[name])
    const names = ['id', 'part', 'event_id', 'type', 'subject', 'data', 'traceparent', 'created_at'] as const
    await client.query({ text: putBack, values: [...names.map(column), returned] })
  },
})

/** CloudEvents 1.0, structured JSON. The data is spliced in as the text that the service function made. */
export const messageOf = (row: Row, source: string): Outgoing => {
  const { event_id, type, subject, data, traceparent, created_at } = row
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
    headers: traceparent === null ? {} : { traceparent },
  }
}
