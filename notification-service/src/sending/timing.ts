/** Times of the sender in milliseconds. */
export type Timing = {
  /** How often the table is looked into where nothing rings. */
  pollMs: number
  /** Pauses before each further attempt after one of which nothing was taken. */
  retryMs: readonly number[]
  /** How long an order waits for its customer to become known, and how often that is looked at. */
  customerWaitMs: number
  customerCheckMs: number
  /** An attempt that is not recorded by then was made by a process that died. */
  leaseMs: number
  cleanupMs: number
  /** How long a delivery report waits for the answer that it belongs to. */
  reportWaitMs: number
  /** How long attempts may go on when the service stops. */
  graceMs: number
}

/** The lease leaves time to connect, to wait for the answer and to record it. */
export const timingOf = ({ sendTimeoutMs }: { sendTimeoutMs: number }): Timing => ({
  pollMs: 1_000,
  retryMs: [5_000, 30_000, 120_000, 600_000, 3_600_000],
  // The events of an import of a million customers take half an hour.
  customerWaitMs: 3_600_000,
  customerCheckMs: 5_000,
  leaseMs: 2 * sendTimeoutMs + 10_000,
  cleanupMs: 5_000,
  reportWaitMs: 15 * 60_000,
  graceMs: 5_000,
})
