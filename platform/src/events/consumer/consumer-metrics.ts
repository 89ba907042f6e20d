import { counter, histogram, slowBuckets } from '../../runtime/telemetry.ts'

/** The metrics of a consumer's queue. `outcomes` are those that begin with 0. */
export const createConsumerMetrics = (queue: string, outcomes: readonly string[]) => {
  const consumed = counter('consumer_events_total', 'Events taken from a queue', ['queue', 'outcome'])
  const duration = histogram('consumer_seconds', 'Duration of a handler', ['queue'])
  const lag = histogram(
    'consumer_lag_seconds',
    'Time from adding an event to the outbox to the end of its handling',
    ['queue'],
    slowBuckets,
  )
  for (const outcome of outcomes) consumed.inc({ queue, outcome }, 0)
  return {
    count: (outcome: string, events = 1): void => consumed.inc({ queue, outcome }, events),
    /** Measures a handler. @returns a function to call when it has ended */
    startTimer: (): (() => void) => duration.startTimer({ queue }),
    /** To be called when an event has been handled. `time` is that of the event. */
    observeLag: (time: string): void =>
      // Clocks of two machines may differ, so the lag could be negative.
      lag.observe({ queue }, Math.max(0, Date.now() - Date.parse(time)) / 1000),
  }
}
