/** Times of the sender in milliseconds. */
export type Timing = {
  /** How often the table is polled without a wake signal. */
  pollMs: number
  /** The delay before each retry of an attempt that the provider did not accept. */
  retryMs: readonly number[]
  /** How long a notification waits for the events of its customer, and how often it checks for them. */
  customerWaitMs: number
  customerCheckMs: number
  /** The lease of an attempt. Without an outcome by then, its process is considered dead. */
  leaseMs: number
  cleanupMs: number
  /** How long an early delivery report waits for the outcome of its attempt. */
  reportWaitMs: number
  /** How long running attempts may continue when the service stops. */
  graceMs: number
}

/** The default times. The lease is long enough to connect, to wait for the response and to record it. */
export const timingOf = ({ sendTimeoutMs }: { sendTimeoutMs: number }): Timing => ({
  pollMs: 1_000,
  retryMs: [5_000, 30_000, 120_000, 600_000, 3_600_000],
  // The events of an import of a million customers take half an hour to arrive.
  customerWaitMs: 3_600_000,
  customerCheckMs: 5_000,
  leaseMs: 2 * sendTimeoutMs + 10_000,
  cleanupMs: 5_000,
  reportWaitMs: 15 * 60_000,
  graceMs: 5_000,
})
