/** Runs `work` for every item, at most `limit` at once. @returns the faults with their items; nothing is thrown */
export const inParallel = async <T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<{ item: T; error: unknown }[]> => {
  const faults: { item: T; error: unknown }[] = []
  const queue = items.values()
  const worker = async () => {
    for (const item of queue) await work(item).catch((error: unknown) => faults.push({ item, error }))
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  return faults
}
