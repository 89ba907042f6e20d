import { Revocations, userDeleted, userDisabled, userRoleRevoked, userSignedOut } from '@clientele/contracts/user'
import type { VerifiedToken } from '@clientele/platform/auth/token-verifier'
import type { Consumer } from '@clientele/platform/events/consumer/consumer'
import { subscription } from '@clientele/platform/events/consumer/subscription'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import { Problem } from '@clientele/platform/runtime/problem'
import { counter, gauge, histogram } from '@clientele/platform/runtime/telemetry'
import { ownConnection } from '../services.ts'
import { createRevocationList, type Rows } from './revocation-list.ts'

const keepMs = 86_400_000
const readMs = 3_000
/** For clocks that differ. */
const overlapMs = 60_000
const maxAnswerBytes = 5_000_000

const revoked = (): Problem =>
  new Problem('invalid_token', {
    detail: 'the token was revoked; sign in again',
    headers: { 'WWW-Authenticate': 'Bearer error="invalid_token", error_description="the token was revoked"' },
  })

const fetchRevocations = async (url: string, since: number | undefined, signal: AbortSignal): Promise<Rows> => {
  const query = since === undefined ? '' : `?since=${new Date(since).toISOString()}`
  const response = await fetch(`${url}/revocations${query}`, {
    headers: ownConnection,
    signal: AbortSignal.any([signal, AbortSignal.timeout(readMs)]),
  })
  if (!response.ok) {
    await response.body?.cancel()
    throw new Error(`revocations: status ${response.status}`)
  }
  if (Number(response.headers.get('content-length') ?? 0) > maxAnswerBytes)
    throw new Error('revocations: answer too long')
  return Revocations.parse(await response.json()).data
}

type Options = { userServiceInternalUrl: string; log: Log; intervalMs: number }

/**
 * Keeps the list right: by events within moments, and by asking user-service: for all of it at the start and whenever the
 * broker comes (back), for what is new after each event and every few seconds, so that a broker that is away does not
 * matter. Nobody is let in before the first answer; after it the list is used as it stands while user-service is away.
 */
export const createRevocations = ({ userServiceInternalUrl, log, intervalMs }: Options) => {
  const list = createRevocationList()
  const reads = counter('gateway_revocation_reads_total', 'Readings of the revocation list', ['outcome'])
  for (const outcome of ['done', 'failed']) reads.inc({ outcome }, 0)
  const lag = histogram('gateway_revocation_lag_seconds', 'From the event of a revocation to its being known here')
  const readWhen = gauge('gateway_revocations_read_timestamp_seconds', 'When the list was last read, since 1970')
  let ending = new AbortController()
  let readAt: number | undefined
  let failing = false
  let running: Promise<void> | undefined
  let wanted = false

  const load = async (): Promise<void> => {
    const askedAt = Date.now()
    try {
      const since = readAt === undefined ? undefined : readAt - overlapMs
      list.read(await fetchRevocations(userServiceInternalUrl, since, ending.signal), askedAt)
      readAt = askedAt
      readWhen.set(askedAt / 1000)
      reads.inc({ outcome: 'done' })
    } catch (error) {
      reads.inc({ outcome: 'failed' })
      throw error
    }
  }
  /** One reading at a time; a wish during one is granted by one more after it. */
  const read = (): Promise<void> => {
    wanted = true
    running ??= (async () => {
      while (wanted && !ending.signal.aborted) {
        wanted = false
        await load()
      }
    })().finally(() => {
      running = undefined
    })
    return running
  }
  const readAll = (): Promise<void> => {
    if (loaded()) readAt = Date.now() - keepMs
    return read()
  }
  const readQuietly = async (): Promise<void> => {
    try {
      await read()
      failing = false
    } catch (error) {
      if (!failing && !ending.signal.aborted)
        log.warn({ err: error }, 'revocations cannot be read; the list is used as it stands')
      failing = true
    }
  }
  const loaded = (): boolean => readAt !== undefined

  const consumer: Consumer = subscription({
    name: 'gateway.revocations',
    events: [userDisabled, userDeleted, userRoleRevoked, userSignedOut],
    handle: ({ subject, time }) => {
      list.heard(subject, time)
      // The clocks of two machines differ.
      lag.observe(Math.max(0, Date.now() - Date.parse(time)) / 1000)
      void readQuietly()
    },
    onConnected: readAll,
  })
  const poll = every({ name: 'revocations', intervalMs, log, runAtStart: true, timeoutMs: 10_000, run: readQuietly })
  const task: Task = {
    name: poll.name,
    start: () => {
      ending = new AbortController()
      return poll.start()
    },
    stop: () => {
      ending.abort()
      return poll.stop()
    },
  }

  return {
    consumer,
    task,
    watch: list.watch,
    loaded,
    /** @throws Problem 401 for a revoked token, 503 before the first reading */
    check: ({ actor, issuedAt }: VerifiedToken): void => {
      if (!loaded()) throw new Problem('unavailable', { detail: 'still starting', headers: { 'Retry-After': '1' } })
      if (list.isRevoked(actor.id, issuedAt)) throw revoked()
    },
  }
}
export type AccessRevocations = ReturnType<typeof createRevocations>
