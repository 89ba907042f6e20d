import { reportError } from '@clientele/platform/runtime/error-reporting'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import { histogram } from '@clientele/platform/runtime/telemetry'
import { sleep, withTimeout } from '@clientele/platform/runtime/timeout'
import type { WakeSignal } from '@clientele/platform/runtime/wake-signal'
import type { Outcome } from '../providers/provider.ts'
import type { Attempt, Claim } from './claim.ts'
import type { Outcomes } from './outcomes.ts'
import type { Timing } from './timing.ts'

type Deps = { claim: Claim; outcomes: Outcomes; wakeSignal: WakeSignal; timing: Timing; concurrency: number; log: Log }

const retryDelayMs = 1_000
const recordTimeoutMs = 3_000

/** Sends due notifications, on every replica. It polls the table, and the wake signal starts the next poll at once. */
export const createSender = ({ claim, outcomes, wakeSignal, timing, concurrency, log }: Deps): Task => {
  const seconds = histogram('notification_send_seconds', 'Time that a provider took to respond', [
    'provider',
    'outcome',
  ])
  const inFlight = new Set<Promise<void>>()
  let loopAbort = new AbortController()
  /** Aborts running attempts. */
  let sendAbort = new AbortController()
  let running: Promise<void> | undefined

  const send = async ({ provider, message }: Attempt, claimedAt: number): Promise<Outcome> => {
    // If this process was suspended for long, its lease may have ended and another one may have handled the attempt.
    if (performance.now() - claimedAt > timing.leaseMs / 4) return { kind: 'not_accepted', reason: 'stalled' }
    const end = seconds.startTimer({ provider: provider.name })
    const outcome = await provider.send(message, sendAbort.signal).catch((error: unknown): Outcome => {
      log.error({ err: error }, 'a provider failed')
      reportError(error)
      return { kind: 'unknown', reason: 'fault' }
    })
    end({ outcome: outcome.kind })
    return outcome
  }

  // Retries while the database is unavailable. After the lease the cleanup records the outcome as unknown.
  const record = async ({ row }: Attempt, outcome: Outcome): Promise<void> => {
    const until = performance.now() + timing.leaseMs
    for (;;) {
      try {
        const recorded = await outcomes.record(row.id, row.attempts, outcome)
        const { status, reason } = recorded ?? {}
        const level = outcome.kind === 'accepted' ? 'info' : 'warn'
        const detail = outcome.kind === 'accepted' ? undefined : outcome.reason
        log[level]({ notificationId: row.id, provider: row.provider, status, reason, detail }, 'attempt ended')
        return
      } catch (error) {
        log.error({ err: error, notificationId: row.id }, 'an outcome could not be recorded')
        if (performance.now() > until || sendAbort.signal.aborted) return
        await sleep(retryDelayMs, sendAbort.signal)
      }
    }
  }

  const startAttempt = (attempt: Attempt, claimedAt: number): void => {
    const work = send(attempt, claimedAt)
      .then((outcome) => record(attempt, outcome))
      .finally(() => {
        inFlight.delete(work)
        wakeSignal.notify()
      })
    inFlight.add(work)
  }

  const loop = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      wakeSignal.consume()
      const freeSlots = concurrency - inFlight.size
      try {
        const claimedAt = performance.now()
        const { attempts, claimed } = freeSlots > 0 ? await claim(freeSlots) : { attempts: [], claimed: 0 }
        for (const attempt of attempts) startAttempt(attempt, claimedAt)
        if (claimed === 0 || inFlight.size >= concurrency) await wakeSignal.wait(timing.pollMs)
      } catch (error) {
        log.error({ err: error }, 'due notifications could not be claimed')
        await sleep(retryDelayMs, signal)
      }
    }
  }

  const drain = async () => {
    while (inFlight.size > 0) await Promise.all(inFlight)
  }

  return {
    name: 'notification-sender',
    start: () => {
      if (running) return
      loopAbort = new AbortController()
      sendAbort = new AbortController()
      running = loop(loopAbort.signal)
    },
    stop: async () => {
      loopAbort.abort()
      wakeSignal.notify()
      await running
      running = undefined
      await withTimeout(timing.graceMs, 'messages are still being sent', drain()).catch(async () => {
        sendAbort.abort()
        await withTimeout(recordTimeoutMs, 'outcomes are still being recorded', drain()).catch((error: unknown) =>
          log.warn({ err: error }, 'stopped before all outcomes were recorded'),
        )
      })
    },
  }
}
