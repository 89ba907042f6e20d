import { uuid } from '@clientele/contracts/fields'
import { Job } from '@clientele/contracts/job'
import { page } from '@clientele/contracts/page'
import { type Api, noContent, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import { jobList } from './job.list.ts'
import type { JobService } from './job.service.ts'

const roles = ['user'] as const
const params = z.strictObject({ id: uuid })
const link = z.strictObject({
  expires: z.string().max(12).optional().meta({ description: 'part of a signed link' }),
  signature: z.string().max(100).optional().meta({ description: 'part of a signed link' }),
})

/** `base` is where a service's jobs are, such as `/v1/jobs`; `subject` tells operations of services apart: `Customer`. */
export type JobRouteOptions = { base: string; subject?: string; tag?: string }

export type JobRouteDeps = { jobs: JobService }

/** The routes of a service's jobs. */
export const jobRoutes = (
  api: Api,
  { jobs }: JobRouteDeps,
  { base, subject = '', tag = 'Jobs' }: JobRouteOptions,
): void => {
  api.operation(
    {
      method: 'get',
      path: base,
      operationId: `list${subject}Jobs`,
      summary: 'Jobs, newest first: one’s own, or everybody’s for admins',
      tag,
      roles,
      query: jobList.query,
      responses: { 200: page(Job) },
    },
    async ({ query, actor }) => ok(await jobs.list(query, actor)),
  )

  api.operation(
    {
      method: 'get',
      path: `${base}/{id}`,
      operationId: `get${subject}Job`,
      summary: 'How far a job is',
      tag,
      roles,
      params,
      responses: { 200: Job },
    },
    async ({ params, actor }) => ok(await jobs.get(params.id, actor)),
  )

  api.operation(
    {
      method: 'delete',
      path: `${base}/{id}`,
      operationId: `delete${subject}Job`,
      summary: 'Cancels a job, or removes one that has ended, with its files',
      tag,
      roles,
      description: 'What a job has done before stays done. It ends after the step that it is at.',
      params,
      responses: { 204: null },
    },
    async ({ params, actor }) => {
      await jobs.remove(params.id, actor)
      return noContent()
    },
  )

  for (const file of ['result', 'errors'] as const)
    api.operation(
      {
        method: 'get',
        path: `${base}/{id}/${file}`,
        operationId: `get${subject}Job${file === 'result' ? 'Result' : 'Errors'}`,
        summary: file === 'result' ? 'What a job made' : 'What a job could not take, with the reasons',
        tag,
        roles: 'optional',
        description: 'With a token, or by the signed link in the job.',
        params,
        query: link,
        responses: { 200: null },
      },
      async ({ params, actor, req }) => jobs.file(params.id, file, actor, req),
    )
}
