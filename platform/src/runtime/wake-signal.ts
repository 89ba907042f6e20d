/**
 * Wakes a single waiter. Signals coalesce, and a signal that is raised while the waiter is busy ends its next wait at once.
 * @example
 * while (!stopped) {
 *   await signal.wait(1_000)
 *   if (signal.consume()) await poll()
 * }
 */
export type WakeSignal = {
  /** Raises the signal and ends the current wait. */
  notify(): void
  /** Ends the current wait without raising the signal. Does nothing if there is no wait. */
  cancelWait(): void
  /** Resets the signal. @returns whether it was raised */
  consume(): boolean
  /** Resolves when the signal is raised, on `cancelWait`, or after `ms` milliseconds. Does not reset the signal. */
  wait(ms: number): Promise<void>
}

/** Creates a signal that is not raised. */
export const createWakeSignal = (): WakeSignal => {
  let isSet = false
  let endWait = () => {}
  return {
    notify: () => {
      isSet = true
      endWait()
    },
    cancelWait: () => endWait(),
    consume: () => {
      const wasSet = isSet
      isSet = false
      return wasSet
    },
    wait: (ms) =>
      new Promise((resolve) => {
        if (isSet) return resolve()
        const timer = setTimeout(() => endWait(), ms)
        endWait = () => {
          clearTimeout(timer)
          endWait = () => {}
          resolve()
        }
      }),
  }
}
