type Options = {
  /** How many ms a result is used after the work has ended, or a function of the ms that the work took. */
  maxAgeMs: number | ((tookMs: number) => number)
  /** How many ms a failure is used. Default 0: the next call tries again. */
  failureMs?: number
}

/**
 * Creates a function that runs `work` and shares the result: between calls at the same time, and with later calls until it is too
 * old. So many requests cost as much as one.
 */
export const shareResult = <T>(work: () => Promise<T>, { maxAgeMs, failureMs = 0 }: Options): (() => Promise<T>) => {
  let latest: { result: Promise<T>; until: number } | undefined

  const start = () => {
    const startedAt = performance.now()
    const entry = { result: work(), until: Number.POSITIVE_INFINITY }
    const useFor = (ms: number): void => {
      entry.until = performance.now() + ms
    }
    entry.result.then(
      () => useFor(typeof maxAgeMs === 'number' ? maxAgeMs : maxAgeMs(performance.now() - startedAt)),
      () => useFor(failureMs),
    )
    return entry
  }

  return () => {
    if (!latest || performance.now() >= latest.until) latest = start()
    return latest.result
  }
}
