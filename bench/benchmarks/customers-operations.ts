import { createListOperations, type Operation } from '../operation.ts'
import type { Step } from '../requests.ts'

const root = '/v1/customers'
const maxRatio = 1.3
const maxSearchRatio = 3
const { idsOf, queries, uncached, deepPage } = createListOperations(root)

const common = ['q=maria', 'q=kofi', 'q=esther']
const tags = ['tag=vip', 'tag=wholesale']

const getCustomer: Operation = {
  name: 'get',
  maxRatio,
  next: async (target) => {
    const ids = await idsOf(target)
    return (index) => getStep(ids, index)
  },
}

const firstPage = queries('list page', maxRatio, 'limit=50')

const run = Date.now().toString(36)
/** Creates a customer whose e-mail address no other request of this run has. */
export const createStep = (index: number): Step => ({
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
})
/** Changes one of the customers. */
export const updateStep = (ids: readonly string[], index: number): Step => ({
  method: 'PATCH',
  path: `${root}/${ids[index % ids.length]}`,
  body: { name: `Ana ${index}`, metadata: { points: index } },
})
/** Reads one of the customers. */
export const getStep = (ids: readonly string[], index: number): Step => ({ path: `${root}/${ids[index % ids.length]}` })

const create: Operation = { name: 'create', maxRatio, next: async () => createStep }

const update: Operation = {
  name: 'update (PATCH)',
  maxRatio,
  next: async (target) => {
    const ids = await idsOf(target)
    return (index) => updateStep(ids, index)
  },
}

/** The operations that the bare server has, too. `atMost` limits their CPU time relative to the bare server. */
export const comparable = [
  { operation: getCustomer, atMost: 2.2 },
  { operation: firstPage, atMost: 2.6 },
  { operation: create, atMost: 3 },
  { operation: update, atMost: 3.2 },
]

export const operations: Operation[] = [
  getCustomer,
  firstPage,
  deepPage('list page by a deep cursor', maxRatio),
  queries('list sorted by surname', maxRatio, 'limit=50&sort=surname'),
  queries('list filtered by name', maxRatio, 'name=Maria', 'name=Olga', 'name=Ravi'),
  queries('list filtered by tag', maxRatio, ...tags),
  uncached('list filtered by tag', maxRatio, ...tags),
  queries('list by creator', maxRatio, 'createdBy=author-3', 'createdBy=author-11'),
  queries('search for a common word', maxSearchRatio, ...common),
  uncached('search for a common word', maxSearchRatio, ...common),
  queries('search for a rare word', maxSearchRatio, 'q=CUS-000777', 'q=shop-4242', 'q=braumark%20irene'),
  queries('search for part of an e-mail', maxSearchRatio, 'q=olga.haasova.', 'q=musa.kowalholm'),
  queries('search for two letters', maxSearchRatio, 'q=an', 'q=ol', 'q=ka'),
  queries('search without a match', maxSearchRatio, 'q=xyzzyq', 'q=qqqqq', 'q=zq', 'q=zqka'),
  queries('search with a typing error', maxSearchRatio, 'q=okafro', 'q=lindbreg', 'q=wanjiro'),
  queries('search for a telephone number', maxSearchRatio, 'q=0700%20007%20919', 'q=%2B254%20(0)700%20007919'),
  queries('search by relevance for a common word', maxSearchRatio, ...common.map((query) => `${query}&sort=relevance`)),
  uncached(
    'search by relevance for a common word',
    maxSearchRatio,
    ...common.map((query) => `${query}&sort=relevance`),
  ),
  queries('search by relevance for parts of words', maxSearchRatio, 'q=mar&sort=relevance', 'q=ria&sort=relevance'),
  queries('list filtered by city', maxRatio, 'address.city=Nairobi'),
  queries('list filtered by metadata', maxSearchRatio, 'metadata.points=12', 'metadata.points=340'),
  create,
  update,
]
