import { setTimeout as pause } from 'node:timers/promises'

/** Repeats `fn` until it does not throw; after `timeoutMs` its last error is thrown. */
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
      await pause(everyMs)
    }
  }
}
