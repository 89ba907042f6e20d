import type { Client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'

/** Ids of a service's imports, of those that can be undone, of jobs with a result, and of jobs with an error file. */
type DemoJobs = { imports: string[]; committed: string[]; results: string[]; errors: string[] }
type JobPaths = { imports: string; exports: string; jobs: string; file(index: number): string }

const allPaths: JobPaths[] = [
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
    file: (index) => `sku,name,price\n,Goods ${index},2.50\n,Wrong,free\n`,
  },
]
const jobTimeout = { timeoutMs: 120_000 }

const createJobs = async (
  api: Client,
  { imports, exports, jobs, file }: JobPaths,
  count: number,
): Promise<DemoJobs> => {
  const expectAccepted = async (response: ReturnType<Client['post']>) => {
    const { status, body, headers } = await response
    if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`)
    return { id: String(body.id), job: headers.get('location')?.split('/').at(-1) ?? '' }
  }
  const untilStatus = (path: string, statuses: string[]) =>
    eventually(async () => expect(statuses).toContain((await api.get(path)).body.status), jobTimeout)
  const ids: DemoJobs = { imports: [], committed: [], results: [], errors: [] }
  const createImport = async (index: number): Promise<string> => {
    const sent = { headers: { 'content-type': 'text/csv' }, body: file(index) }
    const { id } = await expectAccepted(api.raw('POST', imports, sent))
    await untilStatus(`${imports}/${id}`, ['checked'])
    return id
  }
  // A tool changes and deletes imports that it knows, and their error files with them. It does not know these.
  for (let index = count; index < count + 5; index += 1)
    ids.errors.push((await api.get(`${imports}/${await createImport(index)}`)).body.jobId)
  for (let index = 0; index < count; index += 1) {
    const id = await createImport(index)
    const isCommitted = index % 5 === 4
    if (isCommitted) {
      await expectAccepted(api.post(`${imports}/${id}/commit`, {}))
      await untilStatus(`${imports}/${id}`, ['finished'])
    }
    // A tool would delete some of those that others can undo.
    ids[isCommitted ? 'committed' : 'imports'].push(id)
    const { job } = await expectAccepted(api.post(exports, { format: 'ndjson' }))
    await untilStatus(`${jobs}/${job}`, ['succeeded'])
  }
  type Job = { id: string; resultUrl: string | null }
  const all = (await api.get(`${jobs}?limit=200`)).body.data as Job[]
  ids.results = all.filter(({ resultUrl }) => resultUrl !== null).map(({ id }) => id)
  return ids
}

/** Creates `count` imports (every fifth is committed) and exports of customers and of products. @returns ids by their paths */
export const createDemoJobs = async (api: Client, count: number): Promise<Record<string, string[]>> => {
  const all = await Promise.all(allPaths.map(async (paths) => ({ paths, ids: await createJobs(api, paths, count) })))
  return Object.fromEntries(
    all.flatMap(({ paths, ids }) => [
      [`${paths.imports}/{id}`, ids.imports],
      [`${paths.imports}/{id}/undo`, ids.committed],
      [`${paths.jobs}/{id}`, [...ids.results, ...ids.errors]],
      [`${paths.jobs}/{id}/result`, ids.results],
      [`${paths.jobs}/{id}/errors`, ids.errors],
      [`${paths.jobs}/{id}/result-link`, ids.results],
      [`${paths.jobs}/{id}/errors-link`, ids.errors],
    ]),
  )
}

/** Creates bulk changes that change nothing. @returns the ids of their jobs */
export const createBulkChanges = async (api: Client, count: number): Promise<string[]> => {
  const ids: string[] = []
  for (let index = 0; index < count; index += 1) {
    const change = { op: 'tag', filter: { tag: 'nobody has it' }, add: ['known'], expect: 0 }
    const { status, body } = await api.post('/v1/customers/bulk', change)
    if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`)
    await eventually(
      async () => expect((await api.get(`/v1/jobs/${body.id}`)).body.status).toBe('succeeded'),
      jobTimeout,
    )
    ids.push(String(body.id))
  }
  return ids
}
