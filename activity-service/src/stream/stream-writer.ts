import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'

const unreadEndMs = 5_000

/** What waits for a client that does not read. */
type WriterLimits = { maxWaitingEvents: number; maxWaitingBytes: number; stallMs: number }

/** Writes frames to the response of a stream, and knows how far the client has read. `onDrained` is called when nothing waits. */
export const createStreamWriter = (res: ServerResponse, limits: WriterLimits, onDrained: () => void) => {
  let ended = false
  let events = 0
  let writes = 0
  let wroteAt = performance.now()
  /** When the client has last read something that waited for it. */
  let readAt = wroteAt

  const hasEnded = (): boolean => ended || res.destroyed

  return {
    hasEnded,
    /** Writes a frame, which has `count` events. */
    write: (frame: Buffer | string, count = 0): void => {
      if (hasEnded()) return
      wroteAt = performance.now()
      if (writes === 0) readAt = wroteAt
      writes += 1
      events += count
      res.write(frame, () => {
        writes -= 1
        events -= count
        readAt = performance.now()
        if (writes === 0 && !hasEnded()) onDrained()
      })
    },
    /** Whether a frame may wait. A client that has read everything gets any. */
    hasRoomFor: (frame: Buffer, count: number): boolean =>
      events === 0 ||
      (events + count <= limits.maxWaitingEvents && res.writableLength + frame.length <= limits.maxWaitingBytes),
    /** Waits until the client has read most of what waits for it, and lets others have their turn. */
    drained: async (): Promise<void> => {
      if (!res.writableNeedDrain || res.destroyed) return nextTurn()
      await new Promise<void>((resolve) => {
        const done = () => {
          res.off('drain', done).off('close', done)
          resolve()
        }
        res.on('drain', done).on('close', done)
      })
    },
    /** How long nothing was written, while nothing waits; 0 otherwise. */
    quietMs: (): number => (writes === 0 ? performance.now() - wroteAt : 0),
    /** Cuts a client that has not read for too long. */
    cutIfStalled: (): void => {
      if (writes > 0 && performance.now() - readAt >= limits.stallMs) res.destroy()
    },
    /** Ends the response with a last frame. A client that does not read it is cut. */
    end: (frame: string): void => {
      if (hasEnded()) return
      ended = true
      const timer = setTimeout(() => res.destroy(), unreadEndMs)
      res.once('close', () => clearTimeout(timer))
      res.end(frame)
    },
    /** Cuts the connection, so that the client comes back. */
    cut: (): void => void res.destroy(),
  }
}
