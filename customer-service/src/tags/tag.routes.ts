import { TagCounts } from '@clientele/contracts/customer'
import { TagPatch } from '@clientele/contracts/customer-bulk'
import { documentedAs, pathKey } from '@clientele/contracts/fields'
import { Job } from '@clientele/contracts/job'
import { type Api, accepted, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import type { BulkService } from '../bulk/bulk.service.ts'
import type { TagService } from './tag.service.ts'

export type TagRouteDeps = { tags: TagService; bulk: BulkService }

const maxLimit = 200
const defaultLimit = 50

const limit = z
  .string()
  .regex(/^\d{1,3}$/, `must be a whole number from 1 to ${maxLimit}`)
  .transform(Number)
  .refine((value) => value >= 1 && value <= maxLimit, `must be a whole number from 1 to ${maxLimit}`)
  .optional()
  .meta({
    ...documentedAs({ type: 'integer', minimum: 1, maximum: maxLimit }),
    param: { description: `The most tags to return, 1 to ${maxLimit}. Default: ${defaultLimit}.` },
  })

/** `jobs` is the base path of the job routes. */
export const tagRoutes = (api: Api, { tags, bulk }: TagRouteDeps, jobs: string): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/tags',
      operationId: 'listTags',
      summary: 'List the tags of customers, most used first',
      description:
        'Customers in the trash are not counted. The numbers are those of `countedAt`: a few seconds ago, or up to some minutes with a million customers.',
      tag: 'Customers',
      roles: ['user'],
      query: z.strictObject({
        q: z
          .string()
          .max(200)
          .optional()
          .meta({ description: 'Free text. Every word of it must occur in the tag; case and accents do not matter.' }),
        limit,
      }),
      responses: { 200: TagCounts },
    },
    async ({ query: { q, limit = defaultLimit } }) => ok(await tags.list({ q, limit })),
  )

  api.operation(
    {
      method: 'patch',
      path: '/v1/tags/{tag}',
      operationId: 'renameTag',
      summary: 'Rename a tag, or merge it into another one',
      description:
        'Starts a job that gives the tag its new name on all customers, also in the trash. If a customer has both tags, one is left. The job has the `counts` of a bulk change, and `POST /v1/customers/bulk/{id}/undo` undoes it. For a tag with `/` or `\\\\` use `POST /v1/customers/bulk`.',
      tag: 'Customers',
      roles: ['admin'],
      params: z.strictObject({ tag: pathKey.meta({ description: 'The present name of the tag.' }) }),
      body: TagPatch,
      responses: { 202: Job },
    },
    async ({ params, body, actor }) => {
      const job = await bulk.renameTag(params.tag, body.name, actor)
      return accepted(job, `${jobs}/${job.id}`)
    },
  )
}
