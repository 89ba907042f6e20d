/** Times of the sender in milliseconds. */
export type WebhookTiming = {
  /** How often new events are looked for without a wake signal. */
  pollMs: number
  /** How often leases and settings are read. */
  tickMs: number
  /** The lease of a webhook. A replica that does not renew it is considered dead. */
  leaseMs: number
  /** The delay before each retry, ± 20 %. With the first attempt, 75 hours in all. */
  retryMs: readonly number[]
  /** A webhook without one success for so long is paused. */
  pauseAfterMs: number
  /** The longest time that a receiver may ask for by `Retry-After`. */
  maxRetryAfterMs: number
  /** The time between two requests after a failing webhook has succeeded, for the first {@link slowRequests}. */
  slowGapMs: number
  /** How long outcomes are collected before they are written. */
  flushMs: number
  connectTimeoutMs: number
  requestTimeoutMs: number
  /** How long running requests may continue when the service stops. */
  graceMs: number
}

const seconds = (count: number): number => count * 1_000
const minutes = (count: number): number => seconds(60 * count)
const hours = (count: number): number => minutes(60 * count)

export const defaultTiming: WebhookTiming = {
  pollMs: 250,
  tickMs: seconds(1),
  leaseMs: seconds(30),
  retryMs: [
    seconds(5),
    minutes(1),
    minutes(5),
    minutes(30),
    hours(2),
    hours(5),
    hours(10),
    hours(14),
    hours(20),
    hours(24),
  ],
  pauseAfterMs: hours(72),
  maxRetryAfterMs: hours(24),
  slowGapMs: 100,
  flushMs: 100,
  connectTimeoutMs: seconds(5),
  requestTimeoutMs: seconds(15),
  graceMs: seconds(5),
}

/** How many requests after the first success of a failing webhook are sent slowly. */
export const slowRequests = 100
/** After so many failures in a row only the oldest event is tried. */
export const failuresUntilFailing = 5
/** How many events of one webhook wait to be sent again. With more, its cursor waits. */
export const maxRetries = 10_000
/** Requests to one webhook at the same time. */
export const requestsPerWebhook = 4
/** Requests of one process at the same time. */
export const requestsInAll = 64
/** How many webhooks there can be. */
export const maxWebhooks = 20
/** How long the attempts are kept. */
export const keptDays = 14
