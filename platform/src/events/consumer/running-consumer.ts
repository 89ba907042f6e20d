/** A started consumer. */
export type RunningConsumer = {
  /** Resolves when it receives events; rejects after `timeoutMs`. */
  ready(timeoutMs: number): Promise<void>
  /** Waits for running handlers, at most `timeoutMs`. */
  stop(timeoutMs?: number): Promise<void>
}
