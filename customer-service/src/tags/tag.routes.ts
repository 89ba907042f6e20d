import { TagCounts } from '@clientele/contracts/customer'
import { documentedAs } from '@clientele/contracts/fields'
import { type Api, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import type { TagService } from './tag.service.ts'

export type TagRouteDeps = { tags: TagService }

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

export const tagRoutes = (api: Api, { tags }: TagRouteDeps): void => {
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
}
