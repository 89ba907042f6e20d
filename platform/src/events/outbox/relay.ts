import type { Db } from '../../data/db.ts'
import { type Log, serializeError } from '../../runtime/log.ts'
import { counter, gauge, histogram, slowBuckets } from '../../runtime/telemetry.ts'
import { sleep } from '../../runtime/timeout.ts'
import { createWakeSignal } from '../../runtime/wake-signal.ts'
import type { Broker } from '../broker.ts'
import type { ChannelSetup, RecoveringChannel } from '../channel.ts'
import { declareEventExchange } from '../consumer/queue-topology.ts'
import { type BulkThrottleOptions, createBulkThrottle } from './bulk-throttle.ts'
import { onEventsCommitted, partitions } from './outbox.ts'
import { hasRequestEvents } from './outbox-rows.ts'
import { type PassResult, type RelayContext, relayPending } from './publish-pipeline.ts'
import { createUnroutableEvents } from './unroutable-events.ts'

/**
 * Publishes the events of a service's outbox. Any number of replicas may run; each partition is relayed by one of them at a
 * time.
 */
export type Relay = {
  start(): void
  /** Stops after the batches in flight. */
  stop(): Promise<void>
  /** Checks the outbox now. Calls during a check are merged into one more check. */
  wake(): void
}

/** `source` is the service's name; the CloudEvents source is `/<source>`. Times are milliseconds. */
export type RelayOptions = {
  db: Db
  broker: Broker
  source: string
  log: Log
  pollMs?: number
  confirmMs?: number
  bulk?: BulkThrottleOptions
}

const lockedElsewherePauseMs = 50
const bulkPauseMs = 50
const maxPauseMs = 5_000
const metricsIntervalMs = 5_000

/**
 * Creates a relay. Commits of this process wake it; it polls for those of others. It uses one database connection at a time.
 */
export const createRelay = (options: RelayOptions): Relay => {
  const { db, broker, source, log, pollMs = 500, confirmMs = 10_000, bulk } = options
  const service = source.replace(/^\//, '')
  const published = counter('outbox_published_total', 'Events confirmed by the broker')
  const failed = counter('outbox_failures_total', 'Failed passes over the outbox')
  const lag = histogram('outbox_lag_seconds', 'Time from adding an event to its confirm by the broker', [], slowBuckets)
  const unroutable = createUnroutableEvents({ db, log })
  const bulkThrottle = createBulkThrottle(db, bulk)
  const wakeSignal = createWakeSignal()
  let channel: RecoveringChannel | undefined
  let unsubscribe = () => {}
  let running: Promise<void> | undefined
  let stopped = true
  let stopping = new AbortController()
  let failures = 0
  let nextMetricsAt = 0

  /** Publishes waiting events and records the metrics. @throws Error if a queue is full */
  const relayNow = async (context: RelayContext, maxBulkPerPartition: number): Promise<PassResult> => {
    const result = await relayPending(context, maxBulkPerPartition, wakeSignal, () => stopped)
    published.inc(result.confirmed.length)
    for (const age of result.ages) lag.observe(age)
    unroutable.record(result)
    if (result.rejected > 0) throw new Error(`the broker rejected ${result.rejected} events: a queue is full`)
    return result
  }

  /**
   * Runs one pass over the outbox.
   * @param isDue whether to relay without checking for events first
   * @returns milliseconds until the next pass
   */
  const runPass = async (isDue: boolean): Promise<number> => {
    const open = channel?.current()
    if (!open || !broker.isHealthy()) return pollMs
    const context = { db, channel: open, source: `/${service}`, account: broker.account, confirmMs }
    const maxBulkPerPartition = bulkThrottle.takeQuota()
    const waits = [pollMs]
    if (isDue || maxBulkPerPartition > 0 || (await hasRequestEvents(db))) {
      const { lockedElsewhere, more } = await relayNow(context, maxBulkPerPartition)
      if (lockedElsewhere > 0) waits.push(lockedElsewherePauseMs)
      if (maxBulkPerPartition > 0) waits.push(bulkPauseMs)
      if (more) waits.push(0)
    }
    if (!stopped && (await unroutable.retry(context))) waits.push(0)
    // After request events, since users wait for those.
    await bulkThrottle.refresh()
    return Math.min(...waits)
  }

  const loop = async () => {
    let wait = 0
    while (!stopped) {
      try {
        wait = await runPass(wakeSignal.consume() || wait === 0)
        failures = 0
        await updateMetrics()
        if (wait > 0) await wakeSignal.wait(wait)
      } catch (error) {
        failures += 1
        failed.inc()
        const delay = Math.min(100 * 2 ** failures, maxPauseMs)
        log[failures % 10 === 1 ? 'warn' : 'debug']({ err: error, delay }, 'outbox pass failed, retrying')
        // Only stopping may cut this pause short, not a commit.
        await sleep(delay, stopping.signal)
        wait = 0
      }
    }
  }

  const updateMetrics = async () => {
    if (Date.now() < nextMetricsAt) return
    nextMetricsAt = Date.now() + metricsIntervalMs
    const rows = await db.query<{ state: string; depth: number; age: number }>(depthsSql)
    for (const { state, depth, age } of rows) {
      gauge('outbox_depth', 'Events in the outbox, counted up to 10,000', ['state']).set({ state }, depth)
      gauge('outbox_oldest_seconds', 'Age of the oldest event in the outbox', ['state']).set({ state }, age)
    }
  }

  return {
    start: () => {
      if (!stopped) return
      stopped = false
      stopping = new AbortController()
      const setup: ChannelSetup = (_opened, declare) => declareEventExchange(declare)
      channel = broker.channel(`${service} relay`, setup, { publishes: true, onOpen: wakeSignal.notify })
      unsubscribe = onEventsCommitted(db.sequelize, wakeSignal.notify)
      running = loop().catch((error) => log.error({ err: serializeError(error) }, 'relay stopped unexpectedly'))
    },
    stop: async () => {
      if (stopped) return
      stopped = true
      stopping.abort()
      unsubscribe()
      wakeSignal.notify()
      await running
      await channel?.close()
    },
    wake: wakeSignal.notify,
  }
}

const depthsSql = `select state, count(created_at)::int as depth,
  coalesce(extract(epoch from clock_timestamp() - min(created_at)), 0)::float8 as age
from (
  (select 'waiting' as state, created_at from outbox where (part, id) < (${partitions}, 0) and returned_at is null
    order by part, id limit 10000) union all
  (select 'bulk', created_at from outbox where (part, id) > (${partitions}, 0) and returned_at is null
    order by part, id limit 10000) union all
  (select 'returned', created_at from outbox where returned_at is not null order by type, id limit 10000) union all
  select 'waiting', null union all select 'bulk', null union all select 'returned', null
) as row group by state`
