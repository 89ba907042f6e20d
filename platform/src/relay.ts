import type { Channel } from 'amqplib'
import { type Broker, exchange } from './broker.ts'
import type { KeptChannel } from './channel.ts'
import type { Db } from './db.ts'
import { describeError, type Log } from './log.ts'
import { onEvents } from './outbox.ts'
import { returnedRows } from './relay-returned.ts'
import { drain, waitingParts } from './relay-rows.ts'
import { counter, gauge } from './telemetry.ts'

/** Carries a service's outbox to the broker. Any number of replicas may run: a partition is relayed by one at a time. */
export type Relay = {
  start(): void
  /** Ends after the batch being published. */
  stop(): Promise<void>
  /** Looks at the outbox now; many calls are one look. */
  wake(): void
}

/** `source` becomes the events' CloudEvents source, `/<source>`. Waits are milliseconds. */
export type RelayOptions = { db: Db; broker: Broker; source: string; log: Log; pollMs?: number; confirmMs?: number }

const lockedElsewherePauseMs = 50
const longestPauseMs = 5_000
const measureEveryMs = 5_000

/** Woken by commits of this process, and polling for those of others. Uses one database connection at a time. */
export const createRelay = ({ db, broker, source, log, pollMs = 500, confirmMs = 10_000 }: RelayOptions): Relay => {
  const service = source.replace(/^\//, '')
  const published = counter('outbox_published_total', 'Events confirmed by the broker', ['service'])
  const failed = counter('outbox_failures_total', 'Passes over the outbox that failed', ['service'])
  const parked = returnedRows({ db, service, confirmMs, log })
  const bell = createBell()
  let channel: KeptChannel | undefined
  let unregister = () => {}
  let running: Promise<void> | undefined
  let stopped = true
  let failures = 0
  let measureAt = 0

  const pass = async (): Promise<number> => {
    const open = channel?.current()
    if (!open || !broker.healthy()) return pollMs
    let wait = pollMs
    let refused = 0
    for (const part of await waitingParts(db)) {
      if (stopped) return 0
      const result = await drain({ db, channel: open, source: `/${service}`, confirmMs }, part)
      if (result === 'locked') {
        wait = Math.min(wait, lockedElsewherePauseMs)
        continue
      }
      published.inc({ service }, result.confirmed.length)
      refused += result.refused
      parked.note(result)
      if (result.full) wait = 0
    }
    if (await parked.retry(open, `/${service}`)) wait = 0
    if (refused > 0) throw new Error(`${refused} events were refused: a queue is full`)
    return wait
  }

  const loop = async () => {
    while (!stopped) {
      bell.reset()
      try {
        const wait = await pass()
        failures = 0
        await measure()
        await bell.wait(wait)
      } catch (error) {
        failures += 1
        failed.inc({ service })
        const delay = Math.min(100 * 2 ** failures, longestPauseMs)
        log[failures % 10 === 1 ? 'warn' : 'debug']({ err: error, delay }, 'outbox pass failed, trying again')
        // A commit must not cut this pause short, only the end may.
        const until = Date.now() + delay
        while (!stopped && Date.now() < until) await bell.wait(until - Date.now())
      }
    }
  }

  const measure = async () => {
    if (Date.now() < measureAt) return
    measureAt = Date.now() + measureEveryMs
    const rows = await db.query<{ state: string; depth: number; age: number }>(depths)
    for (const { state, depth, age } of rows) {
      gauge('outbox_depth', 'Events in the outbox, counted up to 10,000', ['service', 'state']).set(
        { service, state },
        depth,
      )
      gauge('outbox_oldest_seconds', 'Age of the oldest event in the outbox', ['service', 'state']).set(
        { service, state },
        age,
      )
    }
  }

  return {
    start: () => {
      if (!stopped) return
      stopped = false
      const setup = async (opened: Channel) => void (await opened.assertExchange(exchange, 'topic', { durable: true }))
      channel = broker.channel(`${service} relay`, setup, { publishes: true, onOpen: bell.ring })
      unregister = onEvents(db.sequelize, bell.ring)
      running = loop().catch((error) => log.error({ err: describeError(error) }, 'relay ended'))
    },
    stop: async () => {
      if (stopped) return
      stopped = true
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
  (select 'waiting' as state, created_at from outbox where returned_at is null limit 10000) union all
  (select 'returned', created_at from outbox where returned_at is not null limit 10000) union all
  select 'waiting', null union all select 'returned', null
) as row group by state`

/** Many rings between two waits are one; a ring during the work is not lost. */
const createBell = () => {
  let rung = false
  let answer = () => {}
  return {
    ring: () => {
      rung = true
      answer()
    },
    reset: () => {
      rung = false
    },
    wait: (ms: number): Promise<void> =>
      new Promise((resolve) => {
        if (rung) {
          rung = false
          return resolve()
        }
        const timer = setTimeout(resolve, ms)
        answer = () => {
          clearTimeout(timer)
          answer = () => {}
          resolve()
        }
      }),
  }
}
