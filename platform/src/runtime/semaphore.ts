/** At most `places` pieces of work at once; the others wait for their turn, in order. */
export type Gate = { places: number; run<T>(work: () => Promise<T>): Promise<T> }

export const createGate = (places: number): Gate => {
  let inside = 0
  const queue: (() => void)[] = []
  return {
    places,
    run: async (work) => {
      if (inside >= places) await new Promise<void>((enter) => queue.push(enter))
      else inside += 1
      try {
        return await work()
      } finally {
        // Whoever waits takes this place over.
        const next = queue.shift()
        if (next) next()
        else inside -= 1
      }
    },
  }
}
