import { reportFault } from '@clientele/platform/runtime/error-reporting'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import { histogram } from '@clientele/platform/runtime/telemetry'
import { sleep, withTimeout } from '@clientele/platform/runtime/timeout'
import type { Bell } from '@clientele/platform/runtime/wake-signal'
import type { Outcome } from '../providers/provider.ts'
import type { Attempt, Claim } from './claim.ts'
import type { Settle } from './settle.ts'
import type { Timing } from './timing.ts'

type Deps = { claim: Claim; settle: Settle; bell: Bell; timing: Timing; concurrency: number; log: Log }

const pauseMs = 1_000
const recordMs = 3_000

/** Sends what is due, on every replica: at once when the bell rings, and by looking again and again. */
export const createSender = ({ claim, settle, bell, timing, concurrency, log }: Deps): Task => {
  const seconds = histogram('notification_send_seconds', 'Time a provider took', ['provider', 'outcome'])
  const underWay = new Set<Promise<void>>()
  let ending = new AbortController()
  /** Cuts attempts short. */
  let cutting = new AbortController()
  let running: Promise<void> | undefined

  const send = async ({ provider, message }: Attempt, claimedAt: number): Promise<Outcome> => {
    // A process that stood still may have been taken for dead.
    if (performance.now() - claimedAt > timing.leaseMs / 4) return { kind: 'not_taken', reason: 'stalled' }
    const end = seconds.startTimer({ provider: provider.name })
    const outcome = await provider.send(message, cutting.signal).catch((error: unknown): Outcome => {
      log.error({ err: error }, 'a provider failed')
      reportFault(error)
      return { kind: 'unknown', reason: 'fault' }
    })
    end({ outcome: outcome.kind })
    return outcome
  }

  // While the database is away the outcome is kept; what the lease outlives is called unknown by the cleanup.
  const record = async ({ row }: Attempt, outcome: Outcome): Promise<void> => {
    const until = performance.now() + timing.leaseMs
    for (;;) {
      try {
        const settled = await settle.record(row.id, row.attempts, outcome)
        const { status, reason } = settled ?? {}
        const level = outcome.kind === 'taken' ? 'info' : 'warn'
        const detail = outcome.kind === 'taken' ? undefined : outcome.reason
        log[level]({ notificationId: row.id, provider: row.provider, status, reason, detail }, 'attempt ended')
        return
      } catch (error) {
        log.error({ err: error, notificationId: row.id }, 'an outcome could not be recorded')
        if (performance.now() > until || cutting.signal.aborted) return
        await sleep(pauseMs, cutting.signal)
      }
    }
  }

  const begin = (attempt: Attempt, claimedAt: number): void => {
    const work = send(attempt, claimedAt)
      .then((outcome) => record(attempt, outcome))
      .finally(() => {
        underWay.delete(work)
        bell.ring()
      })
    underWay.add(work)
  }

  const loop = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      bell.rang()
      const places = concurrency - underWay.size
      try {
        const claimedAt = performance.now()
        const { attempts, taken } = places > 0 ? await claim(places) : { attempts: [], taken: 0 }
        for (const attempt of attempts) begin(attempt, claimedAt)
        if (taken === 0 || underWay.size >= concurrency) await bell.wait(timing.pollMs)
      } catch (error) {
        log.error({ err: error }, 'nothing could be taken to be sent')
        await sleep(pauseMs, signal)
      }
    }
  }

  const idle = async () => {
    while (underWay.size > 0) await Promise.all(underWay)
  }

  return {
    name: 'notification-sender',
    start: () => {
      if (running) return
      ending = new AbortController()
      cutting = new AbortController()
      running = loop(ending.signal)
    },
    stop: async () => {
      ending.abort()
      bell.ring()
      await running
      running = undefined
      await withTimeout(timing.graceMs, 'messages are still being sent', idle()).catch(async () => {
        cutting.abort()
        await withTimeout(recordMs, 'outcomes are still being recorded', idle()).catch((error: unknown) =>
          log.warn({ err: error }, 'cut short'),
        )
      })
    },
  }
}
