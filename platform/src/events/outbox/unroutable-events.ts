import type { Db } from '../../data/db.ts'
import type { Log } from '../../runtime/log.ts'
import { counter } from '../../runtime/telemetry.ts'
import { type Published, type RelayContext, relayReturned } from './publish-pipeline.ts'

const dropped = counter('outbox_dropped_total', 'Events removed because no queue took them for 30 days')
const lookEveryMs = 1_000
const maxPauseMs = 60_000
const maxFreed = 5_000
const keptDays = 30
const maxDropped = 5_000

// A loose index scan: one probe a type, however many rows wait.
const returnedTypes = `with recursive kind as (
  (select type from outbox where returned_at is not null order by type limit 1)
  union all
  select (select type from outbox where returned_at is not null and type > kind.type order by type limit 1) from kind where kind.type is not null
) select type from kind where type is not null`

const free = `update outbox set returned_at = null
where id in (select id from outbox where type = $1 and returned_at is not null order by id limit ${maxFreed})`

const drop = `delete from outbox where ctid in (
  select place from (
    select ctid as place, created_at from outbox where type = $1 and returned_at is not null order by id limit ${maxDropped}
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
 * Events that no queue takes are marked as returned and stay in the outbox. The oldest of each type is published again after a
 * second, then at growing intervals up to a minute; once a queue takes it, the others of its type are relayed again.
 */
export const unroutableEvents = ({ db, log }: { db: Db; log: Log }) => {
  const returned = counter('outbox_returned_total', 'Events that no queue took')
  const tries = new Map<string, { pauseMs: number; at: number }>()
  let lookAt = 0

  const postpone = (type: string): void => {
    if (!tries.has(type)) log.warn({ type }, 'no queue takes events of this type: they wait in the outbox')
    const pauseMs = Math.min((tries.get(type)?.pauseMs ?? lookEveryMs / 2) * 2, maxPauseMs)
    tries.set(type, { pauseMs, at: Date.now() + pauseMs })
  }

  return {
    /** Takes note of a pass over the outbox. */
    note: ({ returned: types, confirmed }: Published): void => {
      for (const type of types) {
        returned.inc()
        if (!tries.has(type)) postpone(type)
      }
      for (const type of new Set(confirmed)) {
        const waiting = tries.get(type)
        if (!waiting) continue
        waiting.at = 0
        lookAt = 0
      }
    },
    /** Publishes again what is due. @returns whether events are to be relayed again */
    retry: async (context: RelayContext): Promise<boolean> => {
      if (Date.now() < lookAt) return false
      lookAt = Date.now() + lookEveryMs
      const types = (await db.query<{ type: string }>(returnedTypes, [], { name: 'outbox_returned' })).map(
        ({ type }) => type,
      )
      for (const type of tries.keys()) if (!types.includes(type)) tries.delete(type)
      let freed = false
      for (const type of types) {
        if ((tries.get(type)?.at ?? 0) > Date.now()) continue
        const left = await relayReturned(context, type)
        if (left === false) postpone(type)
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
