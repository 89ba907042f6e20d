import type { Db } from '../../data/db.ts'
import type { Log } from '../../runtime/log.ts'
import { counter } from '../../runtime/telemetry.ts'
import { type PublishResult, type RelayContext, relayUnroutable } from './publish-pipeline.ts'

const dropped = counter('outbox_dropped_total', 'Events removed after being unroutable for 30 days')
const minPauseMs = 1_000
const maxPauseMs = 60_000
const maxReleased = 5_000
const retentionDays = 30
const maxRemoved = 5_000

// A loose index scan: it probes the index once per type, however many rows there are.
const unroutableTypesSql = `with recursive kind as (
  (select type from outbox where returned_at is not null order by type limit 1)
  union all
  select (select type from outbox where returned_at is not null and type > kind.type order by type limit 1) from kind where kind.type is not null
) select type from kind where type is not null`

const releaseSql = `update outbox set returned_at = null
where id in (select id from outbox where type = $1 and returned_at is not null order by id limit ${maxReleased})`

const removeSql = `delete from outbox where ctid in (
  select place from (
    select ctid as place, created_at from outbox where type = $1 and returned_at is not null order by id limit ${maxRemoved}
  ) as oldest where created_at < clock_timestamp() - make_interval(days => ${retentionDays})
) returning 1 as dropped`

/** Removes events that have been unroutable for 30 days, at most 5,000 of each type per call, so that they do not pile up. */
export const removeUnroutable = async ({ db, log }: { db: Db; log: Log }): Promise<void> => {
  for (const { type } of await db.query<{ type: string }>(unroutableTypesSql, [], { name: 'outbox_returned' })) {
    const { length } = await db.query(removeSql, [type])
    if (length === 0) continue
    dropped.inc(length)
    log.warn({ type, count: length }, `removed events that were unroutable for ${retentionDays} days`)
  }
}

/**
 * Retries unroutable events. They stay in the outbox, marked by `returned_at`. The oldest of each type is published again after
 * a second, then at growing intervals of up to a minute. Once the broker can route it, all events of its type are relayed
 * again.
 */
export const createUnroutableEvents = ({ db, log }: { db: Db; log: Log }) => {
  const returned = counter('outbox_returned_total', 'Events that the broker returned as unroutable')
  const retries = new Map<string, { pauseMs: number; dueAt: number }>()
  let nextCheckAt = 0

  const postpone = (type: string): void => {
    if (!retries.has(type)) log.warn({ type }, 'events of this type are unroutable; they wait in the outbox')
    const pauseMs = Math.min((retries.get(type)?.pauseMs ?? minPauseMs / 2) * 2, maxPauseMs)
    retries.set(type, { pauseMs, dueAt: Date.now() + pauseMs })
  }

  return {
    /** Records the result of a pass over the outbox. */
    record: ({ unroutable: types, confirmed }: PublishResult): void => {
      for (const type of types) {
        returned.inc()
        if (!retries.has(type)) postpone(type)
      }
      for (const type of new Set(confirmed)) {
        const retry = retries.get(type)
        if (!retry) continue
        // A queue is bound now, so the stored events of this type are retried at once.
        retry.dueAt = 0
        nextCheckAt = 0
      }
    },
    /** Publishes one event of each type that is due. @returns whether events have become routable and are to be relayed */
    retry: async (context: RelayContext): Promise<boolean> => {
      if (Date.now() < nextCheckAt) return false
      nextCheckAt = Date.now() + minPauseMs
      const types = (await db.query<{ type: string }>(unroutableTypesSql, [], { name: 'outbox_returned' })).map(
        ({ type }) => type,
      )
      for (const type of retries.keys()) if (!types.includes(type)) retries.delete(type)
      let released = false
      for (const type of types) {
        if ((retries.get(type)?.dueAt ?? 0) > Date.now()) continue
        const confirmed = await relayUnroutable(context, type)
        if (confirmed === false) postpone(type)
        if (confirmed !== true) continue
        log.info({ type }, 'events of this type are routable again')
        await db.query(releaseSql, [type])
        released = true
        nextCheckAt = 0
      }
      return released
    },
  }
}
