import { customerPurged } from '@clientele/contracts/customer'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import { histogram } from '@clientele/platform/runtime/telemetry'
import { sleep, withTimeout } from '@clientele/platform/runtime/timeout'
import { createWakeSignal } from '@clientele/platform/runtime/wake-signal'
import type { Position } from '../events/positions.ts'
import { createRecentEvents } from './recent-events.ts'
import type { EventReader, RecordedEvent } from './recorded-event.ts'

const pageSize = 500
const pollMs = 500
const stopTimeoutMs = 5_000
const recentBounds = { maxEvents: 1_000, maxBytes: 4_000_000 }

type Listener = {
  /** Takes the next events. Those after them wait until it has. */
  onEvents(events: readonly RecordedEvent[]): Promise<void>
  /** How many ms to wait after a read: what is recorded meanwhile is read together. */
  gapMs(): number
}

/**
 * Reads on in the order of events, once for all clients of the process: when it is woken, and every 500 ms. Events are numbered in
 * the order of their commits, so none is missed by reading on from the last one.
 */
export const createEventTail = ({ reader, log }: { reader: EventReader; log: Log }) => {
  const lag = histogram('event_stream_lag_seconds', 'Time from recording an event to handing it to the streams')
  const signal = createWakeSignal()
  let stopping = new AbortController()
  let running: Promise<void> | undefined
  let position: Position | undefined
  let recent = createRecentEvents(0, recentBounds)
  let listener: Listener = { onEvents: async () => {}, gapMs: () => 0 }
  let purges = 0
  let failing = false

  const take = (events: readonly RecordedEvent[], last: Position): void => {
    recent.add(events)
    position = last
    if (!events.some(({ type }) => type === customerPurged.type)) return
    // What was read before a purge still has the customer's data.
    purges += 1
    recent.clear()
  }

  const readOn = async (): Promise<void> => {
    if (position === undefined) {
      position = await reader.newest()
      recent = createRecentEvents(position.seq, recentBounds)
    }
    while (!stopping.signal.aborted) {
      const events = await reader.after(position, pageSize)
      const last = events.at(-1)
      if (last === undefined) return
      take(events, last)
      // Clocks of two machines may differ, so the lag could be negative.
      for (const { recordedAt } of events) lag.observe(Math.max(0, Date.now() - recordedAt.getTime()) / 1_000)
      await listener.onEvents(events)
    }
  }

  const loop = async (aborted: AbortSignal): Promise<void> => {
    while (!aborted.aborted) {
      signal.consume()
      try {
        await readOn()
        failing = false
      } catch (error) {
        if (!failing) log.warn({ err: error }, 'reading on for the streams failed, trying again')
        failing = true
      }
      await sleep(listener.gapMs(), aborted)
      if (!aborted.aborted) await signal.wait(pollMs)
    }
  }

  const task: Task = {
    name: 'event-tail',
    start: () => {
      if (running) return
      stopping = new AbortController()
      running = loop(stopping.signal)
    },
    stop: async () => {
      stopping.abort()
      signal.cancelWait()
      const last = running ?? Promise.resolve()
      running = undefined
      await withTimeout(stopTimeoutMs, 'the tail still reads', last).catch((error) =>
        log.warn({ err: error }, 'reading on for the streams did not stop in time'),
      )
    },
  }

  return {
    task,
    /** There may be new events. */
    wake: signal.notify,
    /** Hands over all events that are read from now on, in their order. */
    listen: (newListener: Listener): void => {
      listener = newListener
    },
    /** The number of the last event that was read; undefined before the database was reached for the first time. */
    seq: (): number | undefined => position?.seq,
    /** The events after `seq` that were read; undefined if not all of them are in memory. */
    recentAfter: (seq: number): readonly RecordedEvent[] | undefined => recent.after(seq),
    /** How many purges were read. What was read from the table before the last one may have data of its customer. */
    purges: (): number => purges,
  }
}
export type EventTail = ReturnType<typeof createEventTail>
