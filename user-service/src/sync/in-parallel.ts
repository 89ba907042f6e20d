import pLimit from 'p-limit'

/** Runs `work` for every item, at most `limit` at once. @returns the faults with their items; nothing is thrown */
export const inParallel = async <T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<{ item: T; error: unknown }[]> => {
  const faults: { item: T; error: unknown }[] = []
  await pLimit(limit).map(items, (item) => work(item).catch((error: unknown) => faults.push({ item, error })))
  return faults
}
