import { type Step, send, type Target } from './customers-drive.ts'

/** `next` asks the target what it needs to know, such as ids, and gives the requests. `atMost`: at a million rows against ten thousand. */
export type Operation = {
  name: string
  atMost: number
  next(target: Target): Promise<(index: number) => Step>
}

type Page = { data: { id: string }[]; page: { nextCursor: string | null; total: number } }

const root = '/v1/customers'
const other = 1.3
const search = 3

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
    return { path: `${root}?${all[index % all.length]}&createdAt[gte]=${before}` }
  },
})

const common = ['q=maria', 'q=kofi', 'q=esther']
const tags = ['tag=vip', 'tag=wholesale']

const idsOf = async (target: Target): Promise<string[]> =>
  (await pageOf(target, 'limit=200&offset=1000')).data.map(({ id }) => id)

const get: Operation = {
  name: 'get',
  atMost: other,
  next: async (target) => {
    const ids = await idsOf(target)
    return (index) => ({ path: `${root}/${ids[index % ids.length]}` })
  },
}

const firstPage = queries('list page', other, 'limit=50')

const deepPage: Operation = {
  name: 'list page by a deep cursor',
  atMost: other,
  next: async (target) => {
    const cursors: string[] = []
    for (const offset of [2_000, 4_000, 6_000, 8_000])
      cursors.push((await pageOf(target, `limit=50&offset=${offset}`)).page.nextCursor ?? '')
    return (index) => ({ path: `${root}?limit=50&cursor=${cursors[index % cursors.length]}` })
  },
}

const run = Date.now().toString(36)
const create: Operation = {
  name: 'create',
  atMost: other,
  next: async () => (index) => ({
    method: 'POST',
    path: root,
    body: {
      name: 'Ana',
      surname: `Lovelace ${index}`,
      email: `ana.${run}.${index}@example.com`,
      phone: `+2547${String(index % 100_000_000).padStart(8, '0')}`,
      tags: ['wholesale'],
      metadata: { source: 'shop', points: index },
    },
  }),
}

const update: Operation = {
  name: 'update (PATCH)',
  atMost: other,
  next: async (target) => {
    const ids = await idsOf(target)
    return (index) => ({
      method: 'PATCH',
      path: `${root}/${ids[index % ids.length]}`,
      body: { name: `Ana ${index}`, metadata: { points: index } },
    })
  },
}

/** What the bare server does as well. */
export const comparable = [get, firstPage, create, update]

export const operations: Operation[] = [
  get,
  firstPage,
  deepPage,
  queries('list sorted by surname', other, 'limit=50&sort=surname'),
  queries('list filtered by name', other, 'name=Maria', 'name=Olga', 'name=Ravi'),
  queries('list filtered by tag', other, ...tags),
  fresh('list filtered by tag', other, ...tags),
  queries('list of one author', other, 'createdBy=author-3', 'createdBy=author-11'),
  queries('search for a common word', search, ...common),
  fresh('search for a common word', search, ...common),
  queries('search for a rare word', search, 'q=CUS-000777', 'q=shop-4242', 'q=braumark%20irene'),
  queries('search for part of an e-mail', search, 'q=olga.haasova.', 'q=musa.kowalholm'),
  queries('search for two letters', search, 'q=an', 'q=ol', 'q=ka'),
  queries('search without a match', search, 'q=xyzzyq', 'q=qqqqq', 'q=zq'),
  create,
  update,
]
