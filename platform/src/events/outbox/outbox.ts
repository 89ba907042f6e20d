import type { NewEvent } from '@clientele/contracts/event'
import type { Sequelize } from 'sequelize'
import type { Db, Tx } from '../../data/database.ts'
import { newId } from '../../data/db.ts'
import { afterCommit, databaseOf, withSavepoint } from '../../data/transaction.ts'
import { counter, currentTraceparent } from '../../runtime/telemetry.ts'

/**
 * Events of one subject share a partition, and a partition is relayed in order. Request events use partitions 0 to 7; bulk
 * events of the same subject use the partition that is 8 higher. Never change the number: stored rows depend on it.
 */
export const partitions = 8

// FNV-1a, 32-bit.
const partitionOf = (subject: string): number => {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(subject)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % partitions
}

// A message that the broker can never accept would block its partition forever.
const maxTypeBytes = 255
const maxDataBytes = 4_000_000

const serializeData = ({ type, data }: NewEvent): string => {
  const text = JSON.stringify(data)
  if (Buffer.byteLength(type) > maxTypeBytes) throw new Error(`the event type is longer than ${maxTypeBytes} bytes`)
  if (Buffer.byteLength(text) > maxDataBytes)
    throw new Error(`an event of type ${type} is larger than ${maxDataBytes} bytes`)
  return text
}

const insert = `insert into outbox (part, event_id, type, subject, data, traceparent)
select part, event_id, type, subject, data::json, $6
from unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[]) with ordinality
  as event (part, event_id, type, subject, data, position)
order by position`

const insertOne = `insert into outbox (part, event_id, type, subject, data, traceparent) values ($1, $2, $3, $4, $5, $6)`

/** Writes the statement that runs `statement`, which has `count` parameters, and adds the event of the row that it returns. */
const insertWith = (statement: string, count: number): string => {
  const columns = ['smallint', 'uuid', 'text', 'text', 'json', 'text'].map((type, at) => `$${count + at + 1}::${type}`)
  return `with written as (${statement})
insert into outbox (part, event_id, type, subject, data, traceparent) select ${columns.join(', ')} from written returning id`
}

const eventsAdded = counter('events_total', 'Events added to the outbox by committed transactions', ['type'])

const commitListeners = new WeakMap<Sequelize, Set<() => void>>()

/** Calls `listener` after each commit through `sequelize` that added request events. @returns a function that unsubscribes */
export const onEventsCommitted = (sequelize: Sequelize, listener: () => void): (() => void) => {
  const listeners = commitListeners.get(sequelize) ?? new Set()
  commitListeners.set(sequelize, listeners.add(listener))
  return () => listeners.delete(listener)
}

/** Counts events that are committed, and wakes the relay for request events. */
const committed = (sequelize: Sequelize, events: readonly NewEvent[], offset: 0 | typeof partitions): void => {
  for (const { type } of events) eventsAdded.inc({ type })
  if (offset === 0) for (const notify of commitListeners.get(sequelize) ?? []) notify()
}

/** A prepared statement that writes one record, and returns a row if it has done so. `name` stands for its text. */
export type RecordStatement = { name: string; sql: string; values: unknown[] }

const valuesOf = (event: NewEvent, offset: 0 | typeof partitions): unknown[] => [
  partitionOf(event.subject) + offset,
  newId(),
  event.type,
  event.subject,
  serializeData(event),
  currentTraceparent() ?? null,
]

const addWith = async (
  db: Db,
  { name, sql, values }: RecordStatement,
  event: NewEvent,
  tx: Tx | undefined,
): Promise<boolean> => {
  const added = await db.query(insertWith(sql, values.length), [...values, ...valuesOf(event, 0)], { tx, name })
  if (added.length === 0) return false
  if (tx) afterCommit(tx, () => committed(db.sequelize, [event], 0))
  else committed(db.sequelize, [event], 0)
  return true
}

const add = async (tx: Tx, events: readonly NewEvent[], offset: 0 | typeof partitions): Promise<void> => {
  if (events.length === 0) return
  const db = databaseOf(tx)
  const traceparent = currentTraceparent() ?? null
  const [first, ...more] = events
  if (first && more.length === 0) {
    await db.query(insertOne, valuesOf(first, offset), { tx, name: 'outbox_add_one' })
  } else {
    const values = [
      events.map(({ subject }) => partitionOf(subject) + offset),
      events.map(() => newId()),
      events.map(({ type }) => type),
      events.map(({ subject }) => subject),
      events.map(serializeData),
      traceparent,
    ]
    await db.query(insert, values, { tx, name: 'outbox_add' })
  }
  afterCommit(tx, () => committed(db.sequelize, events, offset))
}

/** The transactional outbox: an event is published if and only if the transaction that added it commits. */
export const outbox = {
  /**
   * Adds events to the transaction. Write the record first: its row lock orders the events of one subject.
   * @throws Error if the transaction has ended, or an event is too large for the broker
   */
  add: (tx: Tx, ...events: NewEvent[]): Promise<void> => add(tx, events, 0),

  /**
   * Writes a record and adds its event by one statement: a round trip instead of those of a transaction, and the row is locked for no
   * longer. Without `tx` it commits at once or, in an idempotent request, runs in a savepoint. The event gets its place in the order
   * once the record is locked.
   * @returns whether the statement has written a record, and the event was added
   * @throws Error if the event is too large for the broker
   */
  addWith: (db: Db, statement: RecordStatement, event: NewEvent, tx?: Tx): Promise<boolean> => {
    const open = tx ? undefined : db.requestTransaction()
    return open ? withSavepoint(open, () => addWith(db, statement, event, open)) : addWith(db, statement, event, tx)
  },

  /**
   * Like {@link outbox.add}, for bulk work such as imports. Bulk events are published after request events, rate-limited, and
   * only once none has been added for 3 s (or 5 min have passed). All events of one subject stay in order.
   */
  addInBulk: (tx: Tx, ...events: NewEvent[]): Promise<void> => add(tx, events, partitions),
}
