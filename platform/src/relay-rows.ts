import type { ConfirmChannel } from 'amqplib'
import { exchange, type Outcome, type Outgoing, publishAll } from './broker.ts'
import type { Db, Tx } from './db.ts'
import { partitions } from './outbox.ts'

/** What a batch needs to leave. */
export type Way = { db: Db; channel: ConfirmChannel; source: string; confirmMs: number }

/** What became of a batch: types of the events that left and of those that no queue takes. */
export type Drained = { confirmed: string[]; returned: string[]; refused: number; full: boolean }

type Row = {
  id: number
  event_id: string
  type: string
  subject: string
  data: string
  traceparent: string | null
  created_at: Date
}

const batchSize = 500
const columns = 'id, event_id, type, subject, data::text as data, traceparent, created_at'

/** The partitions that have something to relay. */
export const waitingParts = async (db: Db): Promise<number[]> => {
  const sql = `select part from generate_series(0, ${partitions - 1}) as every (part)
    where exists (select from outbox where outbox.part = every.part::smallint and returned_at is null)`
  const rows = await db.query<{ part: number }>(sql, [], { name: 'outbox_parts' })
  return rows.map(({ part }) => part)
}

/** Whether this transaction now is the only one that relays the partition. */
export const lockPart = async (db: Db, tx: Tx, part: number): Promise<boolean> => {
  const [row] = await db.query<{ locked: boolean }>(
    `select pg_try_advisory_xact_lock(hashtext('outbox ' || current_schema()), $1) as locked`,
    [part],
    { tx, name: 'outbox_lock' },
  )
  return row?.locked === true
}

/** Publishes one batch of a partition in order; rows leave the table only after the broker's confirm. */
export const drain = ({ db, channel, source, confirmMs }: Way, part: number): Promise<'locked' | Drained> =>
  db.transaction(async (tx) => {
    if (!(await lockPart(db, tx, part))) return 'locked'
    const sql = `select ${columns} from outbox where part = $1 and returned_at is null order by id limit ${batchSize}`
    const rows = await db.query<Row>(sql, [part], { tx, name: 'outbox_read' })
    return { ...(await send({ db, channel, source, confirmMs }, tx, rows)), full: rows.length === batchSize }
  })

/** Publishes the oldest event of a type that was returned before. @returns whether it left, or undefined if there was none to try */
export const sendReturned = ({ db, channel, source, confirmMs }: Way, type: string): Promise<boolean | undefined> =>
  db.transaction(async (tx) => {
    const sql = `select part, ${columns} from outbox where type = $1 and returned_at is not null order by id limit 1`
    const [first] = await db.query<Row & { part: number }>(sql, [type], { tx })
    if (!first || !(await lockPart(db, tx, first.part))) return undefined
    const { confirmed } = await send({ db, channel, source, confirmMs }, tx, [first])
    return confirmed.length === 1
  })

const send = async ({ db, channel, source, confirmMs }: Way, tx: Tx, rows: Row[]): Promise<Omit<Drained, 'full'>> => {
  const outcomes =
    rows.length === 0
      ? []
      : await publishAll(
          channel,
          rows.map((row) => message(row, source)),
          confirmMs,
        )
  const having = (outcome: Outcome): Row[] => rows.filter((_, index) => outcomes[index] === outcome)
  const [confirmed, returned] = [having('confirmed'), having('returned')]
  const ids = (some: Row[]) => some.map(({ id }) => id)
  if (confirmed.length > 0) {
    await db.query('delete from outbox where id = any($1::bigint[])', [ids(confirmed)], { tx, name: 'outbox_delete' })
  }
  if (returned.length > 0) {
    await db.query('update outbox set returned_at = clock_timestamp() where id = any($1::bigint[])', [ids(returned)], {
      tx,
    })
  }
  const types = (some: Row[]) => some.map(({ type }) => type)
  return { confirmed: types(confirmed), returned: types(returned), refused: having('refused').length }
}

// CloudEvents 1.0, structured JSON. The data is spliced in as the text that the service function made.
const message = ({ event_id, type, subject, data, traceparent, created_at }: Row, source: string): Outgoing => {
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
