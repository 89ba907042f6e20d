import { uuid } from '@clientele/contracts/fields'
import { Job, JobFileLink } from '@clientele/contracts/job'
import { page } from '@clientele/contracts/page'
import { type Api, created, noContent, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import { jobList } from './job.list.ts'
import type { JobService } from './job.service.ts'

const roles = ['user'] as const
const params = z.strictObject({ id: uuid })
const query = z.strictObject({
  link: z.string().max(100).optional().meta({ description: 'The secret of a link; part of its URL.' }),
})
const fileTypes = [
  'text/csv',
  'application/x-ndjson',
  'application/json',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/gzip',
]
const files = [
  { file: 'result', part: 'Result', text: 'the result of a job', about: '' },
  {
    file: 'errors',
    part: 'Errors',
    text: 'the errors of a job',
    about: 'The file lists the rows that could not be imported or undone, with the reasons. ',
  },
] as const

/**
 * `base` is the path, for example `/v1/jobs`. `work` says what the jobs do, for example `imports of customers`. `subject` makes
 * operationIds unique across services, for example `Customer`.
 */
export type JobRouteOptions = { base: string; work: string; subject?: string; tag?: string }

export type JobRouteDeps = { jobs: JobService }

/** Adds the routes of a service's jobs. */
export const jobRoutes = (
  api: Api,
  { jobs }: JobRouteDeps,
  { base, work, subject = '', tag = 'Jobs' }: JobRouteOptions,
): void => {
  api.operation(
    {
      method: 'get',
      path: base,
      operationId: `list${subject}Jobs`,
      summary: 'List jobs, newest first',
      tag,
      roles,
      description: `Lists the jobs of ${work}. Users see their own jobs; admins see all jobs.`,
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
      summary: 'Get a job and its progress',
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
      summary: 'Cancel or delete a job',
      tag,
      roles,
      description:
        'A queued or running job is cancelled: it ends after its current step, and what it has done stays. A job that has ended is deleted with its files.',
      params,
      responses: { 204: null },
    },
    async ({ params, actor }) => {
      await jobs.remove(params.id, actor)
      return noContent()
    },
  )

  for (const { file, part, text, about } of files) {
    const url = `\`${file}Url\``
    api.operation(
      {
        method: 'get',
        path: `${base}/{id}/${file}`,
        operationId: `get${subject}Job${part}`,
        summary: `Download ${text}`,
        tag,
        roles: 'optional',
        description: `${about}Requires an access token or a link. ${url} of the job is the URL of this route.`,
        params,
        query,
        file: {
          types: fileTypes,
          headers: ['Content-Disposition', 'Repr-Digest', 'X-Row-Count'],
        },
        responses: { 200: null },
      },
      async ({ params, query, actor, req }) =>
        jobs.download({ id: params.id, kind: file, link: query.link }, actor, req),
    )

    api.operation(
      {
        method: 'post',
        path: `${base}/{id}/${file}-link`,
        operationId: `create${subject}Job${part}Link`,
        summary: `Create a link to ${text}`,
        tag,
        roles,
        description:
          'For programs that cannot send an access token, such as a browser that downloads a file. Anybody who has the link can read the file for five minutes. It stops working earlier if the user who made it is disabled, deleted, demoted or signed out.',
        params,
        // A repeated request makes another link, because a stored response would hold a secret.
        idempotent: false,
        responses: { 201: JobFileLink },
      },
      async ({ params, actor }) => {
        const link = await jobs.createLink(params.id, file, actor)
        return created(link, link.url)
      },
    )
  }
}
