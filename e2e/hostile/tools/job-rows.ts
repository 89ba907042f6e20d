import type { Client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'

/** Imports of a service, and its jobs that made something or could not take something. */
type Worked = { imports: string[]; results: string[]; errors: string[] }
type Places = { imports: string; exports: string; jobs: string; file(index: number): string }

const places: Places[] = [
  {
    imports: '/v1/imports',
    exports: '/v1/exports',
    jobs: '/v1/jobs',
    file: (index) => `name,surname,email\nAna ${index},Lovelace,\nBea,,no address\n`,
  },
  {
    imports: '/v1/product-imports',
    exports: '/v1/product-exports',
    jobs: '/v1/order-jobs',
    file: (index) => `sku,name,price\n,Goods ${index},2.50\n,Worse,free\n`,
  },
]
const waiting = { timeoutMs: 120_000 }

const work = async (api: Client, { imports, exports, jobs, file }: Places, count: number): Promise<Worked> => {
  const accepted = async (answer: ReturnType<Client['post']>) => {
    const { status, body, headers } = await answer
    if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`)
    return { id: String(body.id), job: headers.get('location')?.split('/').at(-1) ?? '' }
  }
  const ended = (path: string, statuses: string[]) =>
    eventually(async () => expect(statuses).toContain((await api.get(path)).body.status), waiting)
  const made: Worked = { imports: [], results: [], errors: [] }
  for (let index = 0; index < count; index += 1) {
    const sent = { headers: { 'content-type': 'text/csv' }, body: file(index) }
    const { id } = await accepted(api.raw('POST', imports, sent))
    await ended(`${imports}/${id}`, ['checked'])
    if (index % 5 === 4) {
      await accepted(api.post(`${imports}/${id}/commit`, {}))
      await ended(`${imports}/${id}`, ['finished'])
    }
    made.imports.push(id)
    const { job } = await accepted(api.post(exports, { format: 'ndjson' }))
    await ended(`${jobs}/${job}`, ['succeeded'])
  }
  type Job = { id: string; errorsUrl: string | null; resultUrl: string | null }
  const all = (await api.get(`${jobs}?limit=200`)).body.data as Job[]
  const idsOf = (jobs: Job[]) => jobs.map(({ id }) => id)
  made.results = idsOf(all.filter(({ resultUrl }) => resultUrl !== null))
  made.errors = idsOf(all.filter(({ errorsUrl }) => errorsUrl !== null))
  return made
}

/** Imports, every fifth one committed, and as many exports, of each service that has any, by the beginning of their paths. */
export const makeJobs = async (api: Client, count: number): Promise<Record<string, string[]>> => {
  const all = await Promise.all(places.map(async (place) => ({ place, made: await work(api, place, count) })))
  return Object.fromEntries(
    all.flatMap(({ place, made }) => [
      [`${place.imports}/{id}`, made.imports],
      [`${place.jobs}/{id}`, [...made.results, ...made.errors]],
      [`${place.jobs}/{id}/result`, made.results],
      [`${place.jobs}/{id}/errors`, made.errors],
    ]),
  )
}
