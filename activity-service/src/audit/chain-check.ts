import { setTimeout as sleep } from 'node:timers/promises'
import { type ChainCheck, maxChecked } from '@clientele/contracts/activity'
import type { Db } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import { type EventClass, eventClasses } from '../events/event.kinds.ts'
import { type CheckedEvent, createChainWalk, type Head, type Link, type Seal } from './chain-walk.ts'

/** The numbers of the first and the last event to check. */
export type ChainRange = { from?: number | undefined; to?: number | undefined }

const chunkSize = 1_000
// Events have a number each. More of them than numbers are a fault that is found before all are read.
const maxChunk = 2 * chunkSize

const selectHeads = `select class, seq, hash, recorded_at as "recordedAt",
  (select min(seq) from events where events.class = head.class and events.seq > head.seq) as beyond from head order by class`
const selectSeals = `select class, first_seq as "firstSeq", last_seq as seq, previous, hash from seals order by last_seq`
const selectBefore = 'select seq, hash from events where class = $1 and seq < $2 order by seq desc limit 1'
const selectNext = 'select min(seq) as seq from events where seq > $1'

// The hash of a body, as `hashBody` writes it, so that bodies need not be read. With `exists` the planner could read all refs first.
const selectChunk = `select class, seq, at, event_id as "eventId", type, subject, actor_id as "actorId", version, about,
    body_hash as "bodyHash", hash,
  case
    when body is not null and body_hash = sha256(int4send(octet_length(salt)) || salt
      || int4send(octet_length(body)) || convert_to(body, 'UTF8')) then 'right'
    when body is not null or salt is not null or redacted_at is null then 'wrong'
    when (select count(*) from event_refs join redactions using (ref) where event_refs.class = events.class
      and event_refs.recorded_at = events.recorded_at and event_refs.seq = events.seq) > 0 then 'removed'
    else 'unexplained'
  end as state
  from events where seq > $1 and seq <= $2 order by seq, recorded_at limit ${maxChunk}`

/** The ends of both chains. */
export const readHeads = (db: Db): Promise<Head[]> => db.query<Head>(selectHeads)

const readSeals = (db: Db): Promise<Seal[]> => db.query<Seal>(selectSeals)

const readLinks = async (db: Db, from: number): Promise<Map<EventClass, Link>> => {
  const links = new Map<EventClass, Link>()
  for (const eventClass of from === 1 ? [] : eventClasses) {
    const [link] = await db.query<Link>(selectBefore, [eventClass, from])
    if (link) links.set(eventClass, link)
  }
  return links
}

const invalid = (parameter: string, message: string): Problem =>
  new Problem('invalid_parameter', {
    detail: `${parameter}: ${message}`,
    errors: [{ parameter, code: 'invalid_parameter', message }],
  })

const rangeOf = (range: ChainRange, newest: number): { from: number; to: number } => {
  const to = Math.min(range.to ?? newest, newest)
  const from = range.from ?? Math.max(1, to - maxChecked + 1)
  if (from > Math.max(newest, 1)) throw invalid('from', `the newest event is ${newest}`)
  if (range.to !== undefined && from > range.to) throw invalid('to', 'must not be less than from')
  if (to - from >= maxChecked) throw invalid('to', `at most ${maxChecked} events can be checked at once`)
  return { from, to }
}

type Walked = Pick<ChainCheck, 'checked' | 'redacted' | 'ok' | 'firstBroken' | 'reason'>
type WalkOptions = {
  signal?: AbortSignal | undefined
  /** Time between two chunks, in milliseconds. */
  pauseMs?: number
  onChecked?: (events: number) => void
}

/**
 * Follows the chains from one event to another, in chunks. Events are recorded and partitions are dropped meanwhile; `heads` must have
 * been read before.
 * @throws the reason of `signal`
 */
const walkChain = async (
  db: Db,
  { from, to, heads }: { from: number; to: number; heads: readonly Head[] },
  { signal, pauseMs = 0, onChecked = () => {} }: WalkOptions = {},
): Promise<Walked> => {
  const walk = createChainWalk(from, await readLinks(db, from), await readSeals(db))
  const walked = { checked: 0, redacted: 0 }
  const broken = (fault: { seq: number; reason: Walked['reason'] }): Walked => ({
    ...walked,
    ok: false,
    firstBroken: fault.seq,
    reason: fault.reason,
  })

  const stepOver = async (event: CheckedEvent) => {
    if (!walk.step(event)) return undefined
    walk.setSeals(await readSeals(db))
    return walk.step(event)
  }

  let position = from - 1
  while (position < to) {
    signal?.throwIfAborted()
    const end = Math.min(position + chunkSize, to)
    const events = await db.query<CheckedEvent>(selectChunk, [position, end])
    for (const event of events) {
      const fault = await stepOver(event)
      if (fault) return broken(fault)
      walked.checked += 1
      if (event.state === 'removed') walked.redacted += 1
    }
    onChecked(events.length)
    const [next] = events.length > 0 ? [{ seq: end + 1 }] : await db.query<{ seq: number | null }>(selectNext, [end])
    position = (next?.seq ?? to + 1) - 1
    if (pauseMs > 0) await sleep(pauseMs, undefined, { signal })
  }
  walk.setSeals(await readSeals(db))
  const fault = walk.end(to, heads)
  return fault ? broken(fault) : { ...walked, ok: true, firstBroken: null, reason: null }
}

const newestOf = (heads: readonly Head[]): number => Math.max(0, ...heads.map(({ seq }) => seq))

/** Checks the chains in a range, by default that of the newest events. @throws Problem 400 for a range that is too large */
export const checkChain = async (db: Db, range: ChainRange): Promise<ChainCheck> => {
  const heads = await readHeads(db)
  const { from, to } = rangeOf(range, newestOf(heads))
  return { from, to, ...(await walkChain(db, { from, to, heads })) }
}

/** Checks both chains from their beginning to their end, and the seals. */
export const checkWholeChain = async (db: Db, options: WalkOptions): Promise<ChainCheck> => {
  const heads = await readHeads(db)
  const to = newestOf(heads)
  return { from: 1, to, ...(await walkChain(db, { from: 1, to, heads }, options)) }
}
