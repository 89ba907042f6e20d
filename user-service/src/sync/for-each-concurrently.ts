import pLimit from 'p-limit'

/** Runs `work` for every item, at most `limit` at a time. Never rejects. @returns the items that failed, each with its error */
export const forEachConcurrently = async <T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<unknown>,
): Promise<{ item: T; error: unknown }[]> => {
  const failures: { item: T; error: unknown }[] = []
  await pLimit(limit).map(items, (item) => work(item).catch((error: unknown) => failures.push({ item, error })))
  return failures
}
