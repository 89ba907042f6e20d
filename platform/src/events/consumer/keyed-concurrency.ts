import type { LimitFunction } from 'p-limit'

type Options<T> = {
  /** How many of `run` run at once; others may share it. */
  limit: LimitFunction
  laneOf(item: T): string
  /** So many items are run together, at most. */
  most: number
  /** Runs items in order. Must not reject. @returns those it left undone, which come first next time */
  run(items: T[]): Promise<T[]>
}

/**
 * Runs items in lanes: those of a lane one after the other, lanes side by side up to the limit. What waits is shared out
 * among the limit's places: each runs one item while few wait, and several together when many do.
 */
export const createLanes = <T>({ limit, laneOf, most, run }: Options<T>) => {
  let waiting: T[] = []
  let asking = false
  const busy = new Set<string>()
  const running = new Set<Promise<void>>()

  const take = (): T[] => {
    const share = Math.min(most, Math.ceil(waiting.length / limit.concurrency))
    const taken: T[] = []
    waiting = waiting.filter((item) => {
      if (taken.length >= share || busy.has(laneOf(item))) return true
      taken.push(item)
      return false
    })
    return taken
  }

  const work = async (): Promise<void> => {
    asking = false
    const items = take()
    const lanes = new Set(items.map(laneOf))
    for (const lane of lanes) busy.add(lane)
    ask()
    try {
      if (items.length > 0) waiting = [...(await run(items)), ...waiting]
    } finally {
      for (const lane of lanes) busy.delete(lane)
    }
  }

  const ask = (): void => {
    if (asking || !waiting.some((item) => !busy.has(laneOf(item)))) return
    asking = true
    const turn = limit(work).finally(() => {
      running.delete(turn)
      ask()
    })
    running.add(turn)
  }

  return {
    add: (item: T): void => {
      waiting.push(item)
      ask()
    },
    /** Forgets what waits; resolves when nothing runs. */
    end: async (): Promise<void> => {
      waiting = []
      while (running.size > 0) await Promise.all(running)
    },
  }
}
