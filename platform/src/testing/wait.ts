import { setTimeout as sleep } from 'node:timers/promises'

/** Calls `fn` until it does not throw. After `timeoutMs` the last error is thrown. */
export const eventually = async <T>(
  fn: () => Promise<T> | T,
  { timeoutMs = 10_000, everyMs = 50 } = {},
): Promise<T> => {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    try {
      return await fn()
    } catch (error) {
      if (Date.now() > deadline) throw error
      await sleep(everyMs)
    }
  }
}
