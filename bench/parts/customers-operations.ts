import { createLists, type Operation } from '../operation.ts'

const root = '/v1/customers'
const other = 1.3
const search = 3
const { idsOf, queries, fresh, deepPage } = createLists(root)

const common = ['q=maria', 'q=kofi', 'q=esther']
const tags = ['tag=vip', 'tag=wholesale']

const get: Operation = {
  name: 'get',
  atMost: other,
  next: async (target) => {
    const ids = await idsOf(target)
    return (index) => ({ path: `${root}/${ids[index % ids.length]}` })
  },
}

const firstPage = queries('list page', other, 'limit=50')

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
/** With the limit of their CPU, as a multiple of the bare server's. */
export const comparable = [
  { operation: get, atMost: 2.2 },
  { operation: firstPage, atMost: 2.6 },
  { operation: create, atMost: 3 },
  { operation: update, atMost: 3.2 },
]

export const operations: Operation[] = [
  get,
  firstPage,
  deepPage('list page by a deep cursor', other),
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
