/** Runs work in lanes: one after the other in a lane, lanes side by side. Work must not reject. */
export const createLanes = () => {
  const last = new Map<string, Promise<void>>()
  return {
    run: (lane: string, work: () => Promise<void>): void => {
      const next = (last.get(lane) ?? Promise.resolve()).then(work).finally(() => {
        if (last.get(lane) === next) last.delete(lane)
      })
      last.set(lane, next)
    },
    /** Resolves when nothing runs or waits. */
    idle: async (): Promise<void> => void (await Promise.all(last.values())),
  }
}

/** At most `most` pieces of work at once; the others wait for their turn, in order. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>

export const createGate = (most: number): Gate => {
  let inside = 0
  const queue: (() => void)[] = []
  return async (work) => {
    if (inside >= most) await new Promise<void>((enter) => queue.push(enter))
    else inside += 1
    try {
      return await work()
    } finally {
      // Whoever waits takes this place over.
      const next = queue.shift()
      if (next) next()
      else inside -= 1
    }
  }
}
