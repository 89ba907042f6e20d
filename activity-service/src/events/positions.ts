import type { Db, Tx } from '@clientele/platform/data/db'

/** A place in the order of events: the number of an event, and when it was recorded. Both grow together. */
export type Position = { seq: number; recordedAt: Date }

const selectNewest = 'select seq, recorded_at as "recordedAt" from head order by seq desc limit 1'

/** The position of the newest event. Before the first event, `seq` is 0. */
export const readNewest = async (db: Db): Promise<Position> => {
  type Row = { seq: number; recordedAt: Date | number }
  const [row] = await db.query<Row>(selectNewest, [], { name: 'newest_event' })
  const { seq = 0, recordedAt } = row ?? {}
  // Before the first event it is -infinity.
  return { seq, recordedAt: recordedAt instanceof Date ? recordedAt : new Date(0) }
}

const firstOfClass = (eventClass: string, time: string): string =>
  `(select seq, recorded_at from events where class = '${eventClass}' and recorded_at >= ${time} order by recorded_at, seq limit 1)`

/** A subquery for the first event that was recorded since a time: `seq` and `recorded_at`. `time` is how the statement names the time: `$1`. */
export const firstSince = (time: string): string =>
  `(select seq, recorded_at from (${firstOfClass('lasting', time)} union all ${firstOfClass('passing', time)}) firsts
  order by seq limit 1)`

/** The first event that was recorded since a time; undefined if there is none. */
export const readFirstSince = async (db: Db, time: string, tx: Tx): Promise<Position | undefined> => {
  const sql = `select seq, recorded_at as "recordedAt" from ${firstSince('$1::timestamptz')} first`
  const [first] = await db.query<Position>(sql, [time], { tx })
  return first
}
