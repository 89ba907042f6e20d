import { Job } from '@clientele/contracts/job'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { type Api, accepted } from '@clientele/platform/http/api'
import type { z } from 'zod'
import type { JobService } from '../jobs/job.service.ts'
import type { ExportInput } from './export-fields.ts'

/** Starts exports as jobs. */
export type ExportService = { start(kind: string, input: ExportInput, actor: Actor): Promise<Job> }

export const createExportService = ({ db, jobs }: { db: Db; jobs: JobService }): ExportService => ({
  start: (kind, input, actor) => db.transaction((tx) => jobs.add({ kind, owner: actor, input }, tx)),
})

export type ExportRouteDeps = { exports: ExportService }

export type ExportRouteOptions = {
  path: string
  operationId: string
  summary: string
  tag: string
  /** The kind of the jobs, and where they are. */
  kind: string
  jobs: string
  body: z.ZodType<ExportInput>
}

/** The route that starts an export. */
export const exportRoute = (
  api: Api,
  { exports }: ExportRouteDeps,
  { path, operationId, summary, tag, kind, jobs, body }: ExportRouteOptions,
): void => {
  api.operation(
    {
      method: 'post',
      path,
      operationId,
      summary,
      tag,
      roles: ['user'],
      description: `One snapshot of what the list shows with the same filter, written by a job: \`Location\` is where to look for it, and its \`resultUrl\` is where the file is. In CSV a cell that a spreadsheet would take for a formula, telephone numbers with + among them, gets an apostrophe, which an import takes away.`,
      body,
      responses: { 202: Job },
    },
    async ({ body, actor }) => {
      const job = await exports.start(kind, body, actor)
      return accepted(job, `${jobs}/${job.id}`)
    },
  )
}
