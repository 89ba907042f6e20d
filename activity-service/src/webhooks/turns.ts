/**
 * Lets at most `limit` pieces of work run at the same time, in the order in which they asked. Each webhook asks for a few at a time, so
 * all get their turn.
 */
export const createTurns = (limit: number) => {
  let running = 0
  const waiting: (() => void)[] = []

  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}
export type Turns = ReturnType<typeof createTurns>
