import type { Db } from '../../data/db.ts'
import type { Log } from '../../runtime/log.ts'
import { counter } from '../../runtime/telemetry.ts'
import { type Drained, relayReturned, type Way } from './publish-pipeline.ts'

const dropped = counter('outbox_dropped_total', 'Events removed because no queue took them for 30 days')
const lookEveryMs = 1_000
const longestPauseMs = 60_000
const freeAtOnce = 5_000
const keptDays = 30
const dropAtOnce = 5_000

// A loose index scan: one probe a type, however many rows wait.
const returnedTypes = `with recursive kind as (
  (select type from outbox where returned_at is not null order by type limit 1)
  union all
  select (select type from outbox where returned_at is not null and type > kind.type order by type limit 1) from kind where kind.type is not null
) select type from kind where type is not null`

const free = `update outbox set returned_at = null
where id in (select id from outbox where type = $1 and returned_at is not null order by id limit ${freeAtOnce})`

const drop = `delete from outbox where ctid in (
  select place from (
    select ctid as place, created_at from outbox where type = $1 and returned_at is not null order by id limit ${dropAtOnce}
  ) as oldest where created_at < clock_timestamp() - make_interval(days => ${keptDays})
) returning 1 as dropped`

/** Removes events that no queue has taken for 30 days, at most 5,000 of a type a call. What nobody listens to must not pile up. */
export const dropUnwanted = async ({ db, log }: { db: Db; log: Log }): Promise<void> => {
  for (const { type } of await db.query<{ type: string }>(returnedTypes, [], { name: 'outbox_returned' })) {
    const { length } = await db.query(drop, [type])
    if (length === 0) continue
    dropped.inc(length)
    log.warn({ type, count: length }, `no queue took these events for ${keptDays} days: they are removed`)
  }
}

/**
 * Events that no queue takes wait beside the others. The oldest of each type is tried again, first after a second, then at
 * growing pauses up to a minute; once it is taken, the rest of its type goes back in line.
 */
export const returnedRows = ({ db, log }: { db: Db; log: Log }) => {
  const returned = counter('outbox_returned_total', 'Events that no queue took')
  const tries = new Map<string, { pauseMs: number; at: number }>()
  let lookAt = 0

  const park = (type: string): void => {
    if (!tries.has(type)) log.warn({ type }, 'no queue takes events of this type: they wait in the outbox')
    const pauseMs = Math.min((tries.get(type)?.pauseMs ?? lookEveryMs / 2) * 2, longestPauseMs)
    tries.set(type, { pauseMs, at: Date.now() + pauseMs })
  }

  return {
    /** Learns from a batch. */
    note: (drained: Drained): void => {
      for (const type of drained.returned) {
        returned.inc()
        if (!tries.has(type)) park(type)
      }
      for (const type of new Set(drained.confirmed)) {
        const waiting = tries.get(type)
        if (!waiting) continue
        waiting.at = 0
        lookAt = 0
      }
    },
    /** Tries what is due. @returns whether events came back in line */
    retry: async (way: Way): Promise<boolean> => {
      if (Date.now() < lookAt) return false
      lookAt = Date.now() + lookEveryMs
      const types = (await db.query<{ type: string }>(returnedTypes, [], { name: 'outbox_returned' })).map(
        ({ type }) => type,
      )
      for (const type of tries.keys()) if (!types.includes(type)) tries.delete(type)
      let freed = false
      for (const type of types) {
        if ((tries.get(type)?.at ?? 0) > Date.now()) continue
        const left = await relayReturned(way, type)
        if (left === false) park(type)
        if (left !== true) continue
        log.info({ type }, 'events of this type are taken again')
        await db.query(free, [type])
        freed = true
        lookAt = 0
      }
      return freed
    },
  }
}
