import { setTimeout as sleep } from 'node:timers/promises'
import type { LimitFunction } from 'p-limit'

type Options<T> = {
  /** Bounds how many calls of `run` are active at once. It may be shared. */
  limit: LimitFunction
  /** The maximum number of active calls of this scheduler. Default: as many as `limit` allows. */
  maxCalls?: number
  /** The pause after a call with several items, in which more items collect for the next one. Default 0 ms. */
  pauseMs?: number
  keyOf(item: T): string
  /** The maximum number of items per call of `run`. */
  maxBatch: number
  /**
   * Processes items in order. Must not reject.
   * @returns the items that it did not process; they are passed to a later call, first
   */
  run(items: T[]): Promise<T[]>
}

/**
 * Creates a scheduler that processes items of one key in order, and items of different keys in parallel, up to the limit. Waiting
 * items are divided evenly among the parallel calls: with a limit of 5, each call gets one item while up to 5 wait, and 20 items
 * if 100 wait. With `maxCalls` 1, a call gets all items that came during the one before.
 */
export const createKeyedConcurrency = <T>(options: Options<T>) => {
  const { limit, maxCalls = limit.concurrency, pauseMs = 0, keyOf, maxBatch, run } = options
  let waiting: T[] = []
  let scheduled = false
  const busy = new Set<string>()
  const running = new Set<Promise<void>>()

  const takeBatch = (): T[] => {
    const size = Math.min(maxBatch, Math.ceil(waiting.length / maxCalls))
    const batch: T[] = []
    waiting = waiting.filter((item) => {
      if (batch.length >= size || busy.has(keyOf(item))) return true
      batch.push(item)
      return false
    })
    return batch
  }

  /** Processes some of the waiting items. @returns their number */
  const runBatch = async (): Promise<number> => {
    scheduled = false
    const items = takeBatch()
    const keys = new Set(items.map(keyOf))
    for (const key of keys) busy.add(key)
    schedule()
    try {
      if (items.length > 0) waiting = [...(await run(items)), ...waiting]
    } finally {
      for (const key of keys) busy.delete(key)
    }
    return items.length
  }

  const runBatchAndPause = async (): Promise<void> => {
    const size = await limit(runBatch)
    if (pauseMs > 0 && size > 1) await sleep(pauseMs)
  }

  const schedule = (): void => {
    if (scheduled || running.size >= maxCalls || !waiting.some((item) => !busy.has(keyOf(item)))) return
    scheduled = true
    const call = runBatchAndPause().finally(() => {
      running.delete(call)
      schedule()
    })
    running.add(call)
  }

  return {
    add: (item: T): void => {
      waiting.push(item)
      schedule()
    },
    /** Discards waiting items. Resolves when no call is active. */
    stop: async (): Promise<void> => {
      waiting = []
      while (running.size > 0) await Promise.all(running)
    },
  }
}
