import { maxRevocationsPerEvent, type Revocation, Revocations } from '@clientele/contracts/revocation'
import { revokingEvents } from '@clientele/contracts/revoking-events'
import type { z } from 'zod'
import type { RevocationList } from '../auth/revocation-list.ts'
import type { Consumer } from '../events/consumer/consumer.ts'
import { subscription } from '../events/consumer/subscription.ts'
import type { Log } from '../runtime/log.ts'
import { periodicTask, type Task } from '../runtime/periodic-task.ts'
import { counter, gauge, histogram } from '../runtime/telemetry.ts'

/** user-service keeps revocations for this time, so a read since then is a read of all. */
const retentionMs = 86_400_000
const pageTimeoutMs = 3_000
const pageSize = 2_000
/** A bound of what one read takes. A longer one continues with the next poll. */
const maxPages = 1_000
const readTimeoutMs = 60_000
/** Polls overlap by this time, because clocks of machines differ. */
const overlapMs = 60_000
const maxResponseBytes = 5_000_000

/** A page of the revocations since a time (milliseconds since 1970), oldest first. `after` is the `next` of the previous page. */
export type ReadRevocations = (
  since: number,
  after: string | undefined,
  signal: AbortSignal,
) => Promise<z.infer<typeof Revocations>>

/** Reads from user-service's internal port. Each request uses a new connection: a kept-alive one could reach an old process. */
export const revocationsOver =
  (userServiceInternalUrl: string): ReadRevocations =>
  async (since, after, signal) => {
    const query = new URLSearchParams({
      since: new Date(since).toISOString(),
      limit: String(pageSize),
      ...(after !== undefined && { after }),
    })
    const response = await fetch(`${userServiceInternalUrl}/revocations?${query}`, {
      headers: { connection: 'close' },
      signal: AbortSignal.any([signal, AbortSignal.timeout(pageTimeoutMs)]),
    })
    if (!response.ok) {
      await response.body?.cancel()
      throw new Error(`revocations: status ${response.status}`)
    }
    if (Number(response.headers.get('content-length') ?? 0) > maxResponseBytes) {
      await response.body?.cancel()
      throw new Error('revocations: response too large')
    }
    return Revocations.parse(await response.json())
  }

type RevokingEvent = { subject: string; time: string; data: { revocations?: Revocation[] | undefined } }

/** Whether an event has all that it revokes. One of an older user-service has nothing. */
const isComplete = ({ data: { revocations } }: RevokingEvent): boolean =>
  revocations !== undefined && revocations.length < maxRevocationsPerEvent

/** What an event revokes. If it does not say so, all tokens of the user that are older than the event. */
const revocationsOf = ({ subject, time, data }: RevokingEvent): Revocation[] =>
  data.revocations?.filter(({ userId }) => userId === subject) ?? [{ userId: subject, notBefore: time }]

type Options = {
  /** The name of the process, with which its queue begins. */
  service: string
  list: RevocationList
  read: ReadRevocations
  intervalMs: number
  log: Log
}

/**
 * Keeps a list of revoked tokens current. Events add to it immediately. In addition everything is read at the start and on
 * every connect of the broker, and what is new every few seconds, so an outage of the broker costs nothing. While user-service is
 * unavailable, the list stays as it is.
 */
export const createRevocationReader = ({ service, list, read: readPage, intervalMs, log }: Options) => {
  const reads = counter('revocation_reads_total', 'Reads of the revocations', ['outcome'])
  for (const outcome of ['done', 'failed']) reads.inc({ outcome }, 0)
  const lag = histogram('revocation_lag_seconds', 'Time from the event of a revocation to its arrival')
  const lastReadAt = gauge('revocations_read_timestamp_seconds', 'Unix time of the last successful read of revocations')
  let stopping = new AbortController()
  let readAt: number | undefined
  let failing = false
  let running: Promise<void> | undefined
  let requested = false

  const readPages = async (since: number, signal: AbortSignal): Promise<void> => {
    let after: string | undefined
    for (let pages = 0; pages < maxPages; pages++) {
      const { data, next } = await readPage(since, after, signal)
      list.add(data)
      if (next === undefined) return
      after = next
    }
    throw new Error('revocations: too many pages')
  }

  const load = async (): Promise<void> => {
    const askedAt = Date.now()
    const since = readAt === undefined ? askedAt - retentionMs : readAt - overlapMs
    try {
      await readPages(since, AbortSignal.any([stopping.signal, AbortSignal.timeout(readTimeoutMs)]))
    } catch (error) {
      reads.inc({ outcome: 'failed' })
      throw error
    }
    readAt = askedAt
    list.markLoaded()
    list.removeExpired()
    lastReadAt.set(askedAt / 1000)
    reads.inc({ outcome: 'done' })
  }
  /** Runs one read at a time. Calls during a read are merged into one more read after it. */
  const read = (): Promise<void> => {
    requested = true
    running ??= (async () => {
      while (requested && !stopping.signal.aborted) {
        requested = false
        await load()
      }
    })().finally(() => {
      running = undefined
    })
    return running
  }
  const readAll = (): Promise<void> => {
    readAt = undefined
    return read()
  }
  const readQuietly = async (): Promise<void> => {
    try {
      await read()
      failing = false
    } catch (error) {
      if (!failing && !stopping.signal.aborted)
        log.warn({ err: error }, 'revocations cannot be read; using the current list')
      failing = true
    }
  }

  const consumer: Consumer = subscription({
    name: `${service}.revocations`,
    events: revokingEvents,
    handle: (event) => {
      list.add(revocationsOf(event))
      // Clocks of two machines may differ, so the lag could be negative.
      lag.observe(Math.max(0, Date.now() - Date.parse(event.time)) / 1000)
      if (!isComplete(event)) void readQuietly()
    },
    onConnected: readAll,
  })
  const poll = periodicTask({
    name: 'revocations',
    intervalMs,
    log,
    runAtStart: true,
    timeoutMs: readTimeoutMs + 5_000,
    run: readQuietly,
  })
  const task: Task = {
    name: poll.name,
    start: () => {
      stopping = new AbortController()
      return poll.start()
    },
    stop: () => {
      stopping.abort()
      return poll.stop()
    },
  }
  return { consumer, task }
}
