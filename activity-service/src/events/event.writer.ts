import type { Db, Tx } from '@clientele/platform/data/db'
import type { OrderedBatch, ReceivedEvent } from '@clientele/platform/events/consumer/ordered-consumer'
import { hashBody, hashEvent, newSalt } from './chain.ts'
import { aboutOf, classOf, type EventClass, purgeTypes, refsOf, stampsOf } from './event.kinds.ts'
import { inOrderOfTime } from './event.order.ts'
import type { Partitions } from './partitions.ts'

type Head = { class: EventClass; seq: number; hash: Buffer; recordedAt: Date | number; now: Date }

/** Every replica is notified here when events were recorded. */
export const recordedChannel = 'activity_events'

const lockHead = `select class, seq, hash, recorded_at as "recordedAt", clock_timestamp() as now
  from head order by class for update`

// The events, their refs, the new heads and one notification in one round trip.
const insertEvents = `with added as (
  insert into events (class, recorded_at, seq, at, event_id, type, subject, actor_id, actor_name, version, bulk, about, body, salt,
    body_hash, hash, redacted_at)
  select class, $1, seq, at, event_id, type, subject, actor_id, actor_name, version, bulk, about, body, salt, body_hash, hash,
    case when body is null then $1::timestamptz end
  from unnest($2::text[], $3::bigint[], $4::timestamptz[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::integer[],
    $11::boolean[], $12::text[], $13::text[], $14::bytea[], $15::bytea[], $16::bytea[])
    as event (class, seq, at, event_id, type, subject, actor_id, actor_name, version, bulk, about, body, salt, body_hash, hash)
), referred as (
  insert into event_refs (class, recorded_at, ref, seq, type, is_subject)
  select class, $1, ref, seq, type, is_subject from unnest($17::text[], $18::text[], $19::bigint[], $20::text[], $21::boolean[])
    as event (class, ref, seq, type, is_subject)
)
update head set seq = latest.seq, hash = latest.hash, recorded_at = $1
from unnest($22::text[], $23::bigint[], $24::bytea[]) as latest (class, seq, hash) where head.class = latest.class
returning pg_notify('${recordedChannel}', '')`

const insertUnreadable = `insert into unreadable_messages (routing_key, reason, content)
  select * from unnest($1::text[], $2::text[], $3::bytea[])`

const withoutNul = (text: string): string => text.replaceAll('\0', '')

const timeOf = (value: Date | number): number => (value instanceof Date ? value.getTime() : 0)

/** Records events: numbers and chains them in the order of their commits. */
export const createEventWriter = ({ db, partitions }: { db: Db; partitions: Partitions }) => {
  /** The heads of both classes, locked, and the time of recording, which never goes back. */
  const takeHead = async (tx: Tx) => {
    const heads = await db.query<Head>(lockHead, [], { tx, name: 'head_lock' })
    const last = Math.max(...heads.map(({ recordedAt }) => timeOf(recordedAt)))
    const recordedAt = new Date(Math.max(last, ...heads.map(({ now }) => now.getTime())))
    await partitions.ensure(recordedAt, tx)
    return { recordedAt, heads: new Map(heads.map((head) => [head.class, head])) }
  }

  const purgedAmong = async (refs: readonly string[], tx: Tx): Promise<Set<string>> => {
    const sql = 'select ref from redactions where ref = any($1::text[])'
    const rows = await db.query<{ ref: string }>(sql, [refs], { tx, name: 'redactions_among' })
    return new Set(rows.map(({ ref }) => ref))
  }

  const addEvents = async (received: readonly ReceivedEvent[], tx: Tx): Promise<void> => {
    const { recordedAt, heads } = await takeHead(tx)
    let seq = Math.max(...[...heads.values()].map((head) => head.seq))
    const ordered = inOrderOfTime(received).map((event) => ({ event, refs: refsOf(event) }))
    const purged = await purgedAmong([...new Set(ordered.flatMap(({ refs }) => refs))], tx)
    const latest = new Map<EventClass, { seq: number; hash: Buffer }>()
    const rows = ordered.map(({ event, refs }) => {
      seq += 1
      const eventClass = classOf(event.type)
      const salt = newSalt()
      const row = {
        ...{
          class: eventClass,
          seq,
          at: new Date(event.time),
          eventId: event.id.toLowerCase(),
          type: event.type,
          subject: event.subject,
        },
        ...{ ...stampsOf(event), about: aboutOf(event), bodyHash: hashBody(salt, event.text) },
      }
      const hash = hashEvent(latest.get(eventClass)?.hash ?? heads.get(eventClass)?.hash ?? Buffer.alloc(0), row)
      latest.set(eventClass, { seq, hash })
      const isPurged = !purgeTypes.includes(event.type) && refs.some((ref) => purged.has(ref))
      const removed = { body: null, salt: null, actorName: null }
      return { ...row, refs, hash, bulk: event.isBulk, body: event.text, salt, ...(isPurged && removed) }
    })
    const referred = rows.flatMap(({ refs, ...row }) => refs.map((ref) => ({ ...row, ref })))
    const lastRows = [...latest]
    await db.query(
      insertEvents,
      [
        recordedAt,
        rows.map((row) => row.class),
        rows.map((row) => row.seq),
        rows.map((row) => row.at),
        rows.map((row) => row.eventId),
        rows.map((row) => row.type),
        rows.map((row) => row.subject),
        rows.map((row) => row.actorId),
        rows.map((row) => row.actorName),
        rows.map((row) => row.version),
        rows.map((row) => row.bulk),
        rows.map((row) => row.about),
        rows.map((row) => row.body),
        rows.map((row) => row.salt),
        rows.map((row) => row.bodyHash),
        rows.map((row) => row.hash),
        referred.map((row) => row.class),
        referred.map((row) => row.ref),
        referred.map((row) => row.seq),
        referred.map((row) => row.type),
        referred.map((row) => row.ref === row.subject),
        lastRows.map(([eventClass]) => eventClass),
        lastRows.map(([, head]) => head.seq),
        lastRows.map(([, head]) => head.hash),
      ],
      { tx, name: 'events_add' },
    )
  }

  return {
    /** Records a batch in `tx`. Until it ends, no other replica records anything. */
    add: async ({ events, unreadable }: OrderedBatch, tx: Tx): Promise<void> => {
      if (unreadable.length > 0)
        await db.query(
          insertUnreadable,
          [
            unreadable.map(({ routingKey }) => withoutNul(routingKey)),
            unreadable.map(({ reason }) => withoutNul(reason)),
            unreadable.map(({ content }) => content),
          ],
          { tx },
        )
      if (events.length > 0) await addEvents(events, tx)
    },
  }
}
export type EventWriter = ReturnType<typeof createEventWriter>
