import { type Step, send, type Target } from './drive.ts'

/** `next` asks the target what it needs to know, such as ids, and gives the requests. `atMost`: with many rows against few. */
export type Operation = {
  name: string
  atMost: number
  next(target: Target): Promise<(index: number) => Step>
}

type Page = { data: { id: string }[]; page: { nextCursor: string | null; total: number } }

/** Operations on the list at `root`. `all` are queries, taken in turn. */
export const createLists = (root: string, time = 'createdAt') => {
  const pageOf = async (target: Target, query: string): Promise<Page> =>
    JSON.parse(await send(target.url, await target.token(), { path: `${root}?${query}` })) as Page

  const queries = (name: string, atMost: number, ...all: string[]): Operation => ({
    name,
    atMost,
    next: async () => (index) => ({ path: `${root}?${all[index % all.length]}` }),
  })

  /** The same, but nobody asked just that before: what was remembered of an earlier total is of no use. */
  const fresh = (name: string, atMost: number, ...all: string[]): Operation => ({
    name: `${name}, for the first time`,
    atMost,
    next: async () => (index) => {
      const before = new Date(Date.UTC(2020, 0, 1) + index).toISOString()
      return { path: `${root}?${all[index % all.length]}&${time}[gte]=${before}` }
    },
  })

  const deepPage = (name: string, atMost: number): Operation => ({
    name,
    atMost,
    next: async (target) => {
      const cursors: string[] = []
      for (const offset of [2_000, 4_000, 6_000, 8_000])
        cursors.push((await pageOf(target, `limit=50&offset=${offset}`)).page.nextCursor ?? '')
      return (index) => ({ path: `${root}?limit=50&cursor=${cursors[index % cursors.length]}` })
    },
  })

  return {
    queries,
    fresh,
    deepPage,
    idsOf: async (target: Target): Promise<string[]> =>
      (await pageOf(target, 'limit=200&offset=1000')).data.map(({ id }) => id),
  }
}
