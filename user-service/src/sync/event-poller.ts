import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import { counter, histogram, slowBuckets } from '@clientele/platform/runtime/telemetry'
import type { EventLogs, KeycloakEvent, LogName } from '../keycloak/event-logs.ts'
import type { Models } from '../models.ts'
import { type EventGroup, type EventHandler, groupByUser, NotYetKnown } from './event-handler.ts'
import { forEachConcurrently } from './for-each-concurrently.ts'

type Failure = { item: EventGroup; error: unknown }
type Deps = { db: Db; models: Models; eventLogs: EventLogs; handler: EventHandler; log: Log }

/** Keycloak's events become visible up to some milliseconds out of order; a minute is more than enough. */
const overlapMs = 60_000
const pageSize = 500
const concurrency = 3
const maxAttempts = 5
/** While Keycloak is unavailable for an event, it is retried for at least this time. */
const maxUnavailableMs = 300_000
const maxCountedEvents = 10_000
const maxReasonLength = 500
const givenUpRetentionMs = 7 * 86_400_000
export const logNames: readonly LogName[] = ['admin', 'user']

export const isUnavailable = (error: unknown): boolean => error instanceof Problem && error.code === 'unavailable'

/**
 * Polls Keycloak's event logs and hands each new event to the event handler.
 *
 * An event is in one of these states:
 * - unread: Keycloak has it, and no poll has read it yet;
 * - handled: its id is in `keycloak_events`, stored in the transaction of its effects;
 * - failed: handling it threw. It is retried by the next polls: up to five attempts, and for at least five minutes while
 *   Keycloak is unavailable for it;
 * - given up: its id is in `keycloak_events` with a reason, but it had no effect. The reconciliation repairs the user.
 *
 * A poll reads a log in pages of 500, from a minute before the log's watermark, and skips the events in `keycloak_events`.
 * The rest is grouped by user; three groups are handled at a time. Events that failed are handled one by one, so that one of
 * them does not hold back the others of its user. After each page the watermark moves to the page's last
 * event, or to the oldest failed event if there is one, so a failure is read again while newer events continue to be handled. After a crash the
 * next poll starts from the watermark and skips what is handled.
 */
export const createEventPoller = ({ db, models, eventLogs, handler, log }: Deps) => {
  const eventCounter = counter(
    'keycloak_events_total',
    "Events of Keycloak's logs that were handled, skipped or given up",
    ['source', 'outcome'],
  )
  const lag = histogram(
    'keycloak_events_lag_seconds',
    "Time from a change in Keycloak, by Keycloak's clock, until it is handled",
    ['source'],
    slowBuckets,
  )
  for (const source of logNames)
    for (const outcome of ['done', 'skipped', 'given_up']) eventCounter.inc({ source, outcome }, 0)
  /** Failed attempts by the id of the event. */
  const attempts = new Map<string, { count: number; firstAt: number }>()

  const readWatermark = async (logName: LogName): Promise<number> => {
    const defaults = { name: logName, at: Date.now() }
    const [{ at }] = await models.watermarks.findCreateFind({ where: { name: logName }, defaults })
    return at
  }
  const advanceWatermark = (logName: LogName, at: number) =>
    db.query('update watermarks set at = greatest(at, $2) where name = $1', [logName, at])

  const withoutHandled = async (events: KeycloakEvent[]): Promise<KeycloakEvent[]> => {
    const where = { id: events.map(({ id }) => id) }
    const rows = await models.keycloakEvents.findAll({ attributes: ['id'], where, raw: true })
    const ids = new Set(rows.map(({ id }) => id))
    return events.filter(({ id, change }) => !ids.has(id) && change.kind !== 'other')
  }

  const giveUp = async (logName: LogName, { item, error }: Failure): Promise<void> => {
    const events = item.map(({ id }) => id)
    for (const id of events) attempts.delete(id)
    if (error instanceof NotYetKnown) {
      await handler.skip(item)
      eventCounter.inc({ source: logName, outcome: 'skipped' }, item.length)
      return log.info({ reason: error.message, events }, 'Keycloak events skipped')
    }
    await handler.skip(item, String(error).slice(0, maxReasonLength))
    eventCounter.inc({ source: logName, outcome: 'given_up' }, item.length)
    log.error({ err: error, events }, 'Keycloak events given up; the next reconciliation checks the user')
  }

  /** Counts a failed attempt. @returns whether it was the last one */
  const countAttempt = ({ item, error }: Failure): boolean => {
    const now = Date.now()
    const counts = item.map(({ id }) => {
      const { count, firstAt } = attempts.get(id) ?? { count: 0, firstAt: now }
      attempts.set(id, { count: count + 1, firstAt })
      return { count: count + 1, ms: now - firstAt }
    })
    return counts.some(({ count, ms }) => count >= maxAttempts && (!isUnavailable(error) || ms >= maxUnavailableMs))
  }

  const handleFailures = async (logName: LogName, failures: Failure[], done: number): Promise<void> => {
    if (attempts.size >= maxCountedEvents) attempts.clear()
    for (const failure of failures) {
      if (countAttempt(failure)) await giveUp(logName, failure)
      else if (!(failure.error instanceof NotYetKnown))
        log.warn({ err: failure.error, event: failure.item[0]?.id }, 'Keycloak events failed and will be retried')
    }
    // The task has failed if Keycloak was unavailable for everything.
    if (done === 0 && failures[0] && failures.every(({ error }) => isUnavailable(error))) throw failures[0].error
  }

  /** Groups events by user, but for those that have failed before. */
  const groupsOf = (events: KeycloakEvent[]): EventGroup[] => {
    const [failed, fresh] = [events.filter(({ id }) => attempts.has(id)), events.filter(({ id }) => !attempts.has(id))]
    return [...failed.map((event) => [event]), ...groupByUser(fresh)]
  }

  const pollLog = async (logName: LogName, signal: AbortSignal): Promise<void> => {
    let from = Math.max(0, (await readWatermark(logName)) - overlapMs)
    let first = 0
    let done = 0
    const failures: Failure[] = []
    while (!signal.aborted) {
      const page = await eventLogs.read(logName, from, first, pageSize)
      const last = page.at(-1)
      if (!last) break
      const groups = groupsOf(await withoutHandled(page))
      const failed = await forEachConcurrently(groups, concurrency, handler.handle)
      failures.push(...failed)
      done += groups.length - failed.length
      if (groups.length > failed.length)
        lag.observe({ source: logName }, Math.max(0, Date.now() - (groups[0]?.[0]?.at ?? last.at)) / 1000)
      await advanceWatermark(logName, Math.min(last.at, ...failures.flatMap(({ item }) => item.map(({ at }) => at))))
      if (page.length < pageSize) break
      // Offsets shift when Keycloak expires events, so the next page begins at the time of this page's last event.
      first = last.at > from ? 0 : first + pageSize
      from = last.at
    }
    eventCounter.inc({ source: logName, outcome: 'done' }, done)
    await handleFailures(logName, failures, done)
  }

  return {
    /** Reads a log to its end. @throws Problem 503 when Keycloak is unavailable */
    poll: pollLog,
    /** Deletes the ids of events that no poll reads again. Those that were given up stay for a week, to be looked at. */
    cleanup: async (): Promise<void> => {
      await db.query(
        `delete from keycloak_events using watermarks
         where watermarks.name = keycloak_events.source and occurred_at < watermarks.at - $1::bigint
           and (given_up_reason is null or occurred_at < $2::bigint)`,
        [overlapMs * 2, Date.now() - givenUpRetentionMs],
      )
    },
  }
}
