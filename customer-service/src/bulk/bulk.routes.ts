import { CountChangedBody } from '@clientele/contracts/customer-bulk'
import { uuid } from '@clientele/contracts/fields'
import { Job } from '@clientele/contracts/job'
import { ProblemBody } from '@clientele/contracts/problem'
import { type Api, accepted } from '@clientele/platform/http/api'
import { z } from 'zod'
import type { CustomerList } from '../customers/customer.list.ts'
import { newBulkChange } from './bulk.input.ts'
import type { BulkService } from './bulk.service.ts'

export type BulkRouteDeps = { bulk: BulkService; list: CustomerList }

const shared = { tag: 'Customers', roles: ['user'] } as const

/** `jobs` is the base path of the job routes. */
export const bulkRoutes = (api: Api, { bulk, list }: BulkRouteDeps, jobs: string): void => {
  api.operation(
    {
      ...shared,
      method: 'post',
      path: '/v1/customers/bulk',
      operationId: 'startBulkChange',
      summary: 'Change all customers that match a filter',
      description:
        'Starts a job that adds or removes tags (`tag`), sets fields (`update`, a JSON Merge Patch), moves customers to the trash (`delete`) or takes them out of it (`restore`). Its `counts` are `matched`, `changed`, `unchanged` and `failed`, and `errorsUrl` lists those that failed. A customer that no longer matches when its turn comes is left alone. `DELETE` of the job cancels it between two steps; what it has changed stays until it is undone.',
      body: newBulkChange(list),
      responses: { 202: Job, 409: CountChangedBody },
    },
    async ({ body, actor }) => {
      const job = await bulk.start(body, actor)
      return accepted(job, `${jobs}/${job.id}`)
    },
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: '/v1/customers/bulk/{id}/undo',
      operationId: 'undoBulkChange',
      summary: 'Undo a bulk change or the new name of a tag',
      description:
        '`{id}` is the id of its job. Starts a job whose `counts` are `removed` (moved to the trash again), `restored` and `kept`. Customers that were changed since are kept as they are, and `errorsUrl` lists them. An undo that kept some can be repeated for them. A change can be undone until its job expires.',
      params: z.strictObject({ id: uuid }),
      responses: { 202: Job, 409: ProblemBody },
    },
    async ({ params, actor }) => {
      const job = await bulk.undo(params.id, actor)
      return accepted(job, `${jobs}/${job.id}`)
    },
  )
}
