import { setTimeout as delay } from 'node:timers/promises'

/** Thrown by {@link withTimeout}. */
export class TimeoutError extends Error {
  override name = 'TimeoutError'
}

/**
 * Settles as `promise` does, or rejects after `ms` milliseconds. The work behind the promise is not stopped.
 * @throws TimeoutError with `message`
 */
export const withTimeout = async <T>(ms: number, message: string, promise: Promise<T>): Promise<T> => {
  const { promise: timedOut, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new TimeoutError(message)), ms)
  try {
    return await Promise.race([promise, timedOut])
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves after `ms` milliseconds or when `signal` aborts. Never rejects. */
export const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => {})
