type Options = { windowMs: number; minBytesPerSecond: number }

/** Judges how fast a client reads a response. Only the time counts for which the gateway waits for the client. */
export const createPace = ({ windowMs, minBytesPerSecond }: Options) => {
  let pausedAt = 0
  let waitedMs = 0
  let bytes = 0
  return {
    add: (count: number): void => {
      bytes += count
    },
    /** The client has to read before more is written. */
    pause: (): void => {
      pausedAt = performance.now()
    },
    /** The client has read. Returns false if it took less than `minBytesPerSecond` over `windowMs` of waiting. */
    resume: (): boolean => {
      waitedMs += performance.now() - pausedAt
      if (waitedMs < windowMs) return true
      const isFastEnough = bytes * 1000 >= minBytesPerSecond * waitedMs
      waitedMs = 0
      bytes = 0
      return isFastEnough
    },
  }
}
export type Pace = ReturnType<typeof createPace>
