import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { counter, gauge } from '@clientele/platform/runtime/telemetry'
import { checkWholeChain, readHeads } from './chain-check.ts'

const hourMs = 3_600_000
const nightHour = 2
// A check uses at most about half a core.
const pauseMs = 25

/** The part of a log that the check uses. */
type CheckLog = Record<'info' | 'error', (fields: object, message: string) => void>
type LastCheck = { finishedAt: Date; firstBroken: number | null }

/** The latest time at which a nightly check was due: two o'clock in UTC. */
export const lastNight = (now: Date): Date => {
  const night = new Date(now)
  night.setUTCHours(nightHour, 0, 0, 0)
  return night > now ? new Date(night.getTime() - 24 * hourMs) : night
}

const selectLast = 'select finished_at as "finishedAt", first_broken as "firstBroken" from chain_checks'
const replaceLast = `with removed as (delete from chain_checks)
  insert into chain_checks (finished_at, checked, redacted, first_broken) values (clock_timestamp(), $1, $2, $3)
  returning finished_at as "finishedAt", first_broken as "firstBroken"`

/** Creates the check of all events and seals. */
export const createNightlyCheck = ({ db, log }: { db: Db; log: CheckLog }) => {
  const isOk = gauge('audit_chain_ok', '1 if the last check of all recorded events found them unchanged, else 0')
  const finishedAt = gauge(
    'audit_chain_checked_timestamp_seconds',
    'Unix time of the last check of all recorded events',
  )
  const checked = counter('audit_chain_checked_events_total', 'Recorded events that were checked')

  const report = (last: LastCheck | undefined): void => {
    if (!last) return
    isOk.set(last.firstBroken === null ? 1 : 0)
    finishedAt.set(last.finishedAt.getTime() / 1000)
  }

  /** Whoever keeps the logs elsewhere can prove by these lines that nothing before them was changed. */
  const logHeads = async (): Promise<void> => {
    for (const { class: chain, seq, hash } of await readHeads(db))
      log.info({ chain, seq, hash: hash.toString('hex') }, 'end of the chain of recorded events')
  }

  const check = async (signal: AbortSignal): Promise<void> => {
    await logHeads()
    const result = await checkWholeChain(db, { signal, pauseMs, onChecked: (events) => checked.inc(events) })
    const values = [result.checked, result.redacted, result.firstBroken]
    const [last] = await db.query<LastCheck>(replaceLast, values)
    report(last)
    const { ok, ...found } = result
    if (ok) log.info(found, 'recorded events are unchanged')
    else log.error(found, 'recorded events were changed, see docs/runbooks/audit-chain-broken.md')
  }

  return {
    /** Checks everything if this was not done since last night. */
    run: async (signal: AbortSignal): Promise<void> => {
      const [last] = await db.query<LastCheck>(selectLast)
      report(last)
      if (!last || last.finishedAt < lastNight(new Date())) await check(signal)
    },
    check,
  }
}

/** Runs the nightly check; a check that was interrupted begins anew within the hour. */
export const nightlyCheckTask = ({ db, log }: { db: Db; log: Log }): Task =>
  periodicTask({
    name: 'audit-check',
    intervalMs: hourMs,
    runAtStart: true,
    timeoutMs: 12 * hourMs,
    log,
    run: createNightlyCheck({ db, log }).run,
  })
