import { ClienteleError } from './error.ts'

/** A signal that is also aborted by `signal`. */
export const signalWithin = (timeoutMs: number, signal?: AbortSignal): AbortSignal => {
  const timeout = AbortSignal.timeout(timeoutMs)
  return signal ? AbortSignal.any([signal, timeout]) : timeout
}

/** Waits. @throws the reason of the signal if it is aborted meanwhile */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', abort, { once: true })
  })

const maxDelayMs = 60_000
const retriedStatuses = new Set([408, 429, 502, 503, 504])
const retriedCodes = new Set(['network_error', 'timed_out', 'idempotency_running'])

/** How long to wait before the next attempt, or undefined if there should be none. */
export const retryDelayMs = (error: unknown, attempt: number): number | undefined => {
  if (!(error instanceof ClienteleError)) return undefined
  if (!retriedStatuses.has(error.status) && !retriedCodes.has(error.code)) return undefined
  const delayMs = error.retryAfterMs ?? Math.min(5_000, 500 * 2 ** attempt) * (0.5 + Math.random() / 2)
  return delayMs <= maxDelayMs ? delayMs : undefined
}
