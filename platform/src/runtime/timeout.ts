import { setTimeout as delay } from 'node:timers/promises'

/** Raised by {@link withTimeout}. */
export class DeadlineError extends Error {
  override name = 'DeadlineError'
}

/**
 * The promise's outcome, if it comes within `ms` milliseconds. What it stands for is not stopped.
 * @throws DeadlineError with `message`
 */
export const withTimeout = async <T>(ms: number, message: string, promise: Promise<T>): Promise<T> => {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new DeadlineError(message)), ms)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves after `ms`, or as soon as `signal` aborts; never rejects. */
export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => {})
