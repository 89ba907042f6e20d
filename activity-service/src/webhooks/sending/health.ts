import type { Outcome } from '../requests/sender.ts'
import { failuresUntilFailing, slowRequests, type WebhookTiming } from '../timing.ts'

export type HealthState = { failures: number; failingSince: Date | null; lastSuccessAt: Date | null }

/** ± 20 %, so that the retries of events that failed together do not come together. */
const jittered = (ms: number): number => ms * (0.8 + Math.random() * 0.4)

/** Whether a receiver works, by its last outcomes. */
export const createHealth = (state: HealthState, timing: WebhookTiming) => {
  let { failures, failingSince, lastSuccessAt } = state
  let slowLeft = 0
  const isFailing = (): boolean => failures >= failuresUntilFailing

  return {
    isFailing,
    state: (): HealthState => ({ failures, failingSince, lastSuccessAt }),
    /** @returns whether it was failing */
    succeed: (at: Date): boolean => {
      const hasRecovered = isFailing()
      if (hasRecovered) slowLeft = slowRequests
      failures = 0
      failingSince = null
      lastSuccessAt = at
      return hasRecovered
    },
    /** Forgets the failures, because the address is another one. */
    reset: (): void => {
      failures = 0
      failingSince = null
    },
    fail: (at: Date): void => {
      failures += 1
      failingSince ??= at
    },
    /** Whether it has failed for so long that it is paused. */
    isHopeless: (now = Date.now()): boolean =>
      isFailing() && failingSince !== null && now - failingSince.getTime() >= timing.pauseAfterMs,
    /** The time after which an event that has failed `attempts` times before is tried again; null if it is given up. */
    retryInMs: (attempts: number, { retryAfterMs }: Outcome): number | null => {
      // While nothing arrives, the receiver is at fault, not the event.
      const planned = timing.retryMs[attempts] ?? (isFailing() ? timing.retryMs.at(-1) : undefined)
      return planned === undefined ? null : Math.max(jittered(planned), retryAfterMs ?? 0)
    },
    /** The time between two requests: 0 unless it has just recovered. */
    gapMs: (): number => (slowLeft > 0 ? timing.slowGapMs : 0),
    countRequest: (): void => {
      slowLeft = Math.max(0, slowLeft - 1)
    },
  }
}
export type Health = ReturnType<typeof createHealth>
