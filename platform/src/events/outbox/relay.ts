import type { Channel } from 'amqplib'
import type { Db } from '../../data/db.ts'
import { describeError, type Log } from '../../runtime/log.ts'
import { counter, gauge, histogram, slowBuckets } from '../../runtime/telemetry.ts'
import { sleep } from '../../runtime/timeout.ts'
import { createBell } from '../../runtime/wake-signal.ts'
import { type Broker, exchange } from '../broker.ts'
import type { KeptChannel } from '../channel.ts'
import { type BulkPace, createBulkPace } from './bulk-throttle.ts'
import { onEvents, partitions } from './outbox.ts'
import { isWaiting } from './outbox-rows.ts'
import { type Pass, type RelayContext, relayWaiting } from './publish-pipeline.ts'
import { unroutableEvents } from './unroutable-events.ts'

/** Publishes a service's outbox. Any number of replicas may run: each partition is relayed by one of them at a time. */
export type Relay = {
  start(): void
  /** Ends after the batch being published. */
  stop(): Promise<void>
  /** Looks at the outbox now; many calls are one look. */
  wake(): void
}

/** `source` becomes the events' CloudEvents source, `/<source>`. Waits are milliseconds. */
export type RelayOptions = {
  db: Db
  broker: Broker
  source: string
  log: Log
  pollMs?: number
  confirmMs?: number
  bulk?: BulkPace
}

const lockedElsewherePauseMs = 50
const bulkPauseMs = 50
const maxPauseMs = 5_000
const measureEveryMs = 5_000

/** Woken by commits of this process, and polling for those of others. Uses one database connection at a time. */
export const createRelay = (options: RelayOptions): Relay => {
  const { db, broker, source, log, pollMs = 500, confirmMs = 10_000, bulk } = options
  const service = source.replace(/^\//, '')
  const published = counter('outbox_published_total', 'Events confirmed by the broker')
  const failed = counter('outbox_failures_total', 'Passes over the outbox that failed')
  const lag = histogram('outbox_lag_seconds', "From an event's writing to its confirm", [], slowBuckets)
  const unroutable = unroutableEvents({ db, log })
  const pace = createBulkPace(db, bulk)
  const bell = createBell()
  let channel: KeptChannel | undefined
  let unregister = () => {}
  let running: Promise<void> | undefined
  let stopped = true
  let ending = new AbortController()
  let failures = 0
  let measureAt = 0

  /** Relays what waits. @returns what became of it */
  const relayNow = async (context: RelayContext, bulkOfPart: number): Promise<Pass> => {
    const result = await relayWaiting(context, bulkOfPart, bell, () => stopped)
    published.inc(result.confirmed.length)
    for (const age of result.ages) lag.observe(age)
    unroutable.note(result)
    if (result.refused > 0) throw new Error(`${result.refused} events were refused: a queue is full`)
    return result
  }

  /** @param isDue whether to relay without looking for events first. @returns milliseconds until the next pass */
  const pass = async (isDue: boolean): Promise<number> => {
    const open = channel?.current()
    if (!open || !broker.healthy()) return pollMs
    const context = { db, channel: open, source: `/${service}`, confirmMs }
    const bulkOfPart = pace.allowance()
    const waits = [pollMs]
    if (isDue || bulkOfPart > 0 || (await isWaiting(db))) {
      const { elsewhere, more } = await relayNow(context, bulkOfPart)
      if (elsewhere > 0) waits.push(lockedElsewherePauseMs)
      if (bulkOfPart > 0) waits.push(bulkPauseMs)
      if (more) waits.push(0)
    }
    if (!stopped && (await unroutable.retry(context))) waits.push(0)
    // After the events of requests: somebody waits for those.
    await pace.look()
    return Math.min(...waits)
  }

  const loop = async () => {
    let wait = 0
    while (!stopped) {
      try {
        wait = await pass(bell.rang() || wait === 0)
        failures = 0
        await measure()
        if (wait > 0) await bell.wait(wait)
      } catch (error) {
        failures += 1
        failed.inc()
        const delay = Math.min(100 * 2 ** failures, maxPauseMs)
        log[failures % 10 === 1 ? 'warn' : 'debug']({ err: error, delay }, 'outbox pass failed, trying again')
        // A commit must not cut this pause short, only the end may.
        await sleep(delay, ending.signal)
        wait = 0
      }
    }
  }

  const measure = async () => {
    if (Date.now() < measureAt) return
    measureAt = Date.now() + measureEveryMs
    const rows = await db.query<{ state: string; depth: number; age: number }>(depths)
    for (const { state, depth, age } of rows) {
      gauge('outbox_depth', 'Events in the outbox, counted up to 10,000', ['state']).set({ state }, depth)
      gauge('outbox_oldest_seconds', 'Age of the oldest event in the outbox', ['state']).set({ state }, age)
    }
  }

  return {
    start: () => {
      if (!stopped) return
      stopped = false
      ending = new AbortController()
      const setup = async (opened: Channel) => void (await opened.assertExchange(exchange, 'topic', { durable: true }))
      channel = broker.channel(`${service} relay`, setup, { publishes: true, onOpen: bell.ring })
      unregister = onEvents(db.sequelize, bell.ring)
      running = loop().catch((error) => log.error({ err: describeError(error) }, 'relay ended'))
    },
    stop: async () => {
      if (stopped) return
      stopped = true
      ending.abort()
      unregister()
      bell.ring()
      await running
      await channel?.close()
    },
    wake: bell.ring,
  }
}

const depths = `select state, count(created_at)::int as depth,
  coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as age
from (
  (select 'waiting' as state, created_at from outbox where (part, id) < (${partitions}, 0) and returned_at is null
    order by part, id limit 10000) union all
  (select 'bulk', created_at from outbox where (part, id) > (${partitions}, 0) and returned_at is null
    order by part, id limit 10000) union all
  (select 'returned', created_at from outbox where returned_at is not null order by type, id limit 10000) union all
  select 'waiting', null union all select 'bulk', null union all select 'returned', null
) as row group by state`
