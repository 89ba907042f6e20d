import { Job } from '@clientele/contracts/job'
import { ProblemBody } from '@clientele/contracts/problem'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { type Api, accepted } from '@clientele/platform/http/api'
import { createBudget } from '@clientele/platform/http/work-budget'
import type { z } from 'zod'
import type { Jobs } from '../jobs/create-jobs.ts'
import type { ExportInput } from './export-fields.ts'

type Deps = { db: Db; jobs: Jobs; exportsPerDay: number }

const dayMs = 86_400_000

/** Starts exports as jobs. A user who has too many jobs or files gets 429. */
export type ExportService = { start(kind: string, input: ExportInput, actor: Actor): Promise<Job> }

export const createExportService = ({ db, jobs: { service, quota }, exportsPerDay }: Deps): ExportService => {
  const budget = createBudget({ name: 'exports', unit: 'exports', limit: exportsPerDay, windowMs: dayMs })
  return {
    start: async (kind, input, actor) => {
      budget.assertLeft(actor.id, 1)
      const job = await db.transaction(async (tx) => {
        await quota.assertMayStore(actor.id, {}, tx)
        return service.add({ kind, owner: actor, input }, tx)
      })
      budget.charge(actor.id, 1)
      return job
    },
  }
}

export type ExportRouteDeps = { exports: ExportService }

export type ExportRouteOptions = {
  path: string
  operationId: string
  summary: string
  tag: string
  /** The kind of the jobs. */
  kind: string
  /** Base path of the job routes. */
  jobs: string
  body: z.ZodType<ExportInput>
}

/** Adds the route that starts an export. */
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
      description: `Starts a job that writes a snapshot of the list with the same filter. \`Location\` is the path of the job; its \`resultUrl\` is the URL of the file. In CSV, all texts are quoted. A text that a spreadsheet would read as a formula, such as a telephone number that begins with +, gets an apostrophe in front, also inside a cell after a comma, semicolon, vertical bar, tab or line break. An import removes these apostrophes.`,
      body,
      responses: { 202: Job, 507: ProblemBody },
    },
    async ({ body, actor }) => {
      const job = await exports.start(kind, body, actor)
      return accepted(job, `${jobs}/${job.id}`)
    },
  )
}
