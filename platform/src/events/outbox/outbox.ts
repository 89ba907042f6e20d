import type { NewEvent } from '@clientele/contracts/event'
import type { Sequelize } from 'sequelize'
import type { Tx } from '../../data/database.ts'
import { newId } from '../../data/db.ts'
import { afterCommit, databaseOf } from '../../data/transaction.ts'
import { counter, currentTraceparent } from '../../runtime/telemetry.ts'

/**
 * Events of one subject share a partition, and a partition is relayed in order. Each has a second one behind it, so many numbers
 * higher, for events in bulk. Never change it: rows in flight hold it.
 */
export const partitions = 8

// FNV-1a, 32 bit.
const partitionOf = (subject: string): number => {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(subject)) hash = Math.imul(hash ^ byte, 0x01000193)
  return (hash >>> 0) % partitions
}

// A message that the broker refuses for its form would stop its partition for ever.
const longestType = 255
const mostBytes = 4_000_000

const dataOf = ({ type, data }: NewEvent): string => {
  const text = JSON.stringify(data)
  if (Buffer.byteLength(type) > longestType)
    throw new Error(`the name of an event type is longer than ${longestType} bytes`)
  if (Buffer.byteLength(text) > mostBytes) throw new Error(`an event of type ${type} is larger than ${mostBytes} bytes`)
  return text
}

const insert = `insert into outbox (part, event_id, type, subject, data, traceparent)
select part, event_id, type, subject, data::json, $6
from unnest($1::smallint[], $2::uuid[], $3::text[], $4::text[], $5::text[]) with ordinality
  as event (part, event_id, type, subject, data, position)
order by position`

const insertOne = `insert into outbox (part, event_id, type, subject, data, traceparent) values ($1, $2, $3, $4, $5, $6)`

const written = counter('events_total', 'Events written, each with the committed change that it tells of', ['type'])

const wakers = new WeakMap<Sequelize, Set<() => void>>()

/** Calls `wake` after each commit that left events, made through `sequelize`. @returns a function that ends it */
export const onEvents = (sequelize: Sequelize, wake: () => void): (() => void) => {
  const all = wakers.get(sequelize) ?? new Set()
  wakers.set(sequelize, all.add(wake))
  return () => all.delete(wake)
}

const add = async (tx: Tx, events: readonly NewEvent[], offset: 0 | typeof partitions): Promise<void> => {
  if (events.length === 0) return
  const db = databaseOf(tx)
  const traceparent = currentTraceparent() ?? null
  const [first, ...more] = events
  if (first && more.length === 0) {
    const part = partitionOf(first.subject) + offset
    const values = [part, newId(), first.type, first.subject, dataOf(first), traceparent]
    await db.query(insertOne, values, { tx, name: 'outbox_add_one' })
  } else {
    const values = [
      events.map(({ subject }) => partitionOf(subject) + offset),
      events.map(() => newId()),
      events.map(({ type }) => type),
      events.map(({ subject }) => subject),
      events.map(dataOf),
      traceparent,
    ]
    await db.query(insert, values, { tx, name: 'outbox_add' })
  }
  afterCommit(tx, () => {
    for (const { type } of events) written.inc({ type })
    if (offset === 0) for (const wake of wakers.get(db.sequelize) ?? []) wake()
  })
}

/** The transactional outbox: events leave if, and only if, the change that they tell of is committed. */
export const outbox = {
  /**
   * Adds events to the transaction. Write the entity first: its row lock is what orders the events of one subject.
   * @throws Error when the transaction has ended, or for an event that no broker would take
   */
  add: (tx: Tx, ...events: NewEvent[]): Promise<void> => add(tx, events, 0),

  /**
   * As {@link outbox.add}, for the many events of a job: they leave behind those of requests, at a bounded rate, once no more
   * come. Those of one subject stay in order, whichever way they were added.
   */
  addInBulk: (tx: Tx, ...events: NewEvent[]): Promise<void> => add(tx, events, partitions),
}
