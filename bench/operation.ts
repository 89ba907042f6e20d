import { type Step, send, type Target } from './requests.ts'

/**
 * An operation to measure with few and with many rows. `next` reads what the requests need, such as ids, from the target.
 * `maxRatio` limits the CPU time with many rows, relative to few.
 */
export type Operation = {
  name: string
  maxRatio: number
  next(target: Target): Promise<(index: number) => Step>
}

type Page = { data: { id: string }[]; page: { nextCursor: string | null; total: number } }

/** Makes operations on the list at `root`. `queryStrings` are used in turns. */
export const createListOperations = (root: string, time = 'createdAt') => {
  const pageOf = async (target: Target, query: string): Promise<Page> =>
    JSON.parse(await send(target.url, await target.token(), { path: `${root}?${query}` })) as Page

  const queries = (name: string, maxRatio: number, ...queryStrings: string[]): Operation => ({
    name,
    maxRatio,
    next: async () => (index) => ({ path: `${root}?${queryStrings[index % queryStrings.length]}` }),
  })

  /** As `queries`, but each query string is new, so that no cached total can be used. */
  const uncached = (name: string, maxRatio: number, ...queryStrings: string[]): Operation => ({
    name: `${name}, total not cached`,
    maxRatio,
    next: async () => (index) => {
      const before = new Date(Date.UTC(2020, 0, 1) + index).toISOString()
      return { path: `${root}?${queryStrings[index % queryStrings.length]}&${time}[gte]=${before}` }
    },
  })

  const deepPage = (name: string, maxRatio: number): Operation => ({
    name,
    maxRatio,
    next: async (target) => {
      const cursors: string[] = []
      for (const offset of [2_000, 4_000, 6_000, 8_000])
        cursors.push((await pageOf(target, `limit=50&offset=${offset}`)).page.nextCursor ?? '')
      return (index) => ({ path: `${root}?limit=50&cursor=${cursors[index % cursors.length]}` })
    },
  })

  return {
    queries,
    uncached,
    deepPage,
    idsOf: async (target: Target): Promise<string[]> =>
      (await pageOf(target, 'limit=200&offset=1000')).data.map(({ id }) => id),
  }
}
