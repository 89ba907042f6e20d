import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import { counter, histogram, slowBuckets } from '@clientele/platform/runtime/telemetry'
import type { Journals, KeycloakEvent, Source } from '../keycloak/events.ts'
import type { Models } from '../models.ts'
import { type Bundle, bundle, type EventHandler, TryLater } from './event-handler.ts'
import { inParallel } from './in-parallel.ts'

type Fault = { item: Bundle; error: unknown }
type Deps = { db: Db; models: Models; journals: Journals; handler: EventHandler; log: Log }

/** Keycloak's events become visible up to some milliseconds out of order; a minute is generous. */
const overlapMs = 60_000
const pageSize = 500
const parallel = 3
const maxAttempts = 5
const maxRemembered = 10_000
const sources: readonly Source[] = ['admin', 'user']

/**
 * Follows Keycloak's journals. Each pass reads from a minute before the watermark and leaves out what it has seen; the
 * watermark moves page by page, so a backlog of days is worked off even when it is interrupted.
 */
export const createPoller = ({ db, models, journals, handler, log }: Deps) => {
  const handled = counter('keycloak_events_total', 'Events of Keycloak', ['source', 'outcome'])
  const lag = histogram(
    'keycloak_events_lag_seconds',
    'From a change in Keycloak, by its clock, to the end of its working off',
    ['source'],
    slowBuckets,
  )
  for (const source of sources) for (const outcome of ['done', 'given_up']) handled.inc({ source, outcome }, 0)
  const attempts = new Map<string, number>()

  const watermark = async (source: Source): Promise<number> => {
    const defaults = { name: source, at: Date.now() }
    const [{ at }] = await models.watermarks.findCreateFind({ where: { name: source }, defaults })
    return at
  }
  const advance = (source: Source, at: number) =>
    db.query('update watermarks set at = greatest(at, $2) where name = $1', [source, at])

  const unseen = async (events: KeycloakEvent[]): Promise<KeycloakEvent[]> => {
    const where = { id: events.map(({ id }) => id) }
    const seen = await models.keycloakEvents.findAll({ attributes: ['id'], where, raw: true })
    const ids = new Set(seen.map(({ id }) => id))
    return events.filter(({ id, meaning }) => !ids.has(id) && meaning.kind !== 'other')
  }

  const giveUp = async (source: Source, { item, error }: Fault): Promise<void> => {
    await handler.skip(item)
    handled.inc({ source, outcome: 'given_up' })
    const events = item.map(({ id }) => id)
    if (error instanceof TryLater) log.info({ reason: error.message, events }, 'events of Keycloak left aside')
    else log.error({ err: error, events }, 'events of Keycloak given up; the next sweep looks at the user again')
  }

  /**
   * Events that failed hold the watermark back and come again with the next pass, others go on meanwhile. Those that keep
   * failing while others succeed are given up.
   */
  const afterwards = async (source: Source, faults: Fault[], done: number): Promise<void> => {
    const outage = done === 0 && faults.every(({ error }) => error instanceof Problem && error.code === 'unavailable')
    if (outage && faults[0]) throw faults[0].error
    if (attempts.size >= maxRemembered) attempts.clear()
    for (const fault of faults) {
      const id = fault.item[0]?.id ?? ''
      const count = (attempts.get(id) ?? 0) + 1
      attempts.set(id, count)
      if (count >= maxAttempts) await giveUp(source, fault)
      else if (!(fault.error instanceof TryLater))
        log.warn({ err: fault.error, event: id }, 'events of Keycloak failed; tried again')
    }
  }

  const follow = async (source: Source, signal: AbortSignal): Promise<void> => {
    let from = Math.max(0, (await watermark(source)) - overlapMs)
    let first = 0
    let done = 0
    const faults: Fault[] = []
    while (!signal.aborted) {
      const page = await journals.read(source, from, first, pageSize)
      const last = page.at(-1)
      if (!last) break
      const bundles = bundle(await unseen(page))
      const failed = await inParallel(bundles, parallel, handler.handle)
      faults.push(...failed)
      done += bundles.length - failed.length
      if (bundles.length > failed.length)
        lag.observe({ source }, Math.max(0, Date.now() - (bundles[0]?.[0]?.at ?? last.at)) / 1000)
      await advance(source, Math.min(last.at, ...faults.flatMap(({ item }) => item.map(({ at }) => at))))
      if (page.length < pageSize) break
      // The next page starts at the last one's time, not at a count: entries that expire meanwhile shift counts.
      first = last.at > from ? 0 : first + pageSize
      from = last.at
    }
    handled.inc({ source, outcome: 'done' }, done)
    await afterwards(source, faults, done)
  }

  return {
    pass: async (signal: AbortSignal): Promise<void> => {
      for (const source of sources) await follow(source, signal)
    },
    cleanup: async (): Promise<void> => {
      await db.query(
        `delete from keycloak_events using watermarks
         where watermarks.name = keycloak_events.source and occurred_at < watermarks.at - $1::bigint`,
        [overlapMs * 2],
      )
    },
  }
}
