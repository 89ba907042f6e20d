import { uuid } from '@clientele/contracts/fields'
import { Import, ImportPreview } from '@clientele/contracts/imports/import'
import { ImportCommit, ImportOptions, ImportPatch } from '@clientele/contracts/imports/import-options'
import { Job } from '@clientele/contracts/job'
import { page } from '@clientele/contracts/page'
import { DuplicateBody, ProblemBody } from '@clientele/contracts/problem'
import { type Api, accepted, noContent, ok } from '@clientele/platform/http/api'
import type { Upload } from '@clientele/platform/http/route-definition'
import { z } from 'zod'
import { importList } from './import.list.ts'
import type { ImportService } from './import.service.ts'
import type { ImportUpload } from './import.uploads.ts'

export type ImportRouteDeps = { imports: ImportService; uploads: Record<string, Upload<ImportUpload>> }
/**
 * `base` is the path of imports, for example `/v1/imports`; `jobs` is that of jobs. `records` is what is imported, for example
 * `customers`. `subject` makes operationIds unique across services, for example `Customer`.
 */
export type ImportRouteOptions = { base: string; jobs: string; records: string; subject?: string; tag?: string }

const roles = ['user'] as const
const params = z.strictObject({ id: uuid })

/** A mapping may have many columns, so `MAX_BODY_BYTES` alone is the limit. */
const maxBodyBytes = Number.POSITIVE_INFINITY

/** Adds the routes of imports of one kind of resource. */
export const importRoutes = (
  api: Api,
  { imports, uploads }: ImportRouteDeps,
  { base, jobs, records, subject = '', tag = 'Imports' }: ImportRouteOptions,
): void => {
  const shared = { tag, roles }
  const acceptedJob = (job: Job) => accepted(job, `${jobs}/${job.id}`)

  api.operation(
    {
      ...shared,
      method: 'get',
      path: base,
      operationId: `list${subject}Imports`,
      summary: `List imports of ${records}, newest first`,
      description: 'Users see their own imports; admins see all imports.',
      query: importList.query,
      responses: { 200: page(Import) },
    },
    async ({ query, actor }) => ok(await imports.list(query, actor)),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: base,
      operationId: `create${subject}Import`,
      summary: `Create an import of ${records} and start its dry run`,
      description:
        'Send the file in a form, or as the bare body with the options as query parameters. It can be CSV, JSON or NDJSON, or vCards if records have contacts, and may be compressed with gzip. The dry run shows what a commit would do; nothing is imported before `commit`.',
      query: ImportOptions,
      uploads,
      responses: { 202: Import, 413: ProblemBody, 507: ProblemBody },
    },
    async ({ body, actor }) => {
      const newImport = await imports.create(body, actor)
      return accepted(newImport, `${base}/${newImport.id}`)
    },
  )

  api.operation(
    {
      ...shared,
      method: 'get',
      path: `${base}/{id}`,
      operationId: `get${subject}Import`,
      summary: `Get an import of ${records} with its progress, counts and first errors`,
      params,
      responses: { 200: Import },
    },
    async ({ params, actor }) => ok(await imports.get(params.id, actor)),
  )

  api.operation(
    {
      ...shared,
      method: 'get',
      path: `${base}/{id}/preview`,
      operationId: `preview${subject}Import`,
      summary: `Show the first 20 rows of an import as the ${records} that they would become`,
      description: 'Uses the present mapping and options. Rows are compared with the records of this moment.',
      params,
      responses: { 200: ImportPreview },
    },
    async ({ params, actor }) => ok(await imports.preview(params.id, actor)),
  )

  api.operation(
    {
      ...shared,
      method: 'patch',
      path: `${base}/{id}`,
      operationId: `update${subject}Import`,
      summary: `Update the options of an import of ${records} and repeat its dry run`,
      params,
      body: ImportPatch,
      maxBodyBytes,
      responses: { 202: Import },
    },
    async ({ params, body, actor }) => accepted(await imports.update(params.id, body, actor), `${base}/${params.id}`),
  )

  api.operation(
    {
      ...shared,
      method: 'delete',
      path: `${base}/{id}`,
      operationId: `delete${subject}Import`,
      summary: `Cancel or delete an import of ${records}`,
      description:
        'A running dry run, commit or undo is cancelled. Otherwise the import is deleted with its file; imported records stay, and the import can no longer be undone.',
      params,
      responses: { 204: null },
    },
    async ({ params, actor }) => {
      await imports.remove(params.id, actor)
      return noContent()
    },
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: `${base}/{id}/commit`,
      operationId: `commit${subject}Import`,
      summary: `Commit an import of ${records}`,
      description:
        'Starts a job that writes the rows. Each row is checked again. After a failed or cancelled commit, a new one continues after the last row that was written.',
      params,
      body: ImportCommit.optional(),
      maxBodyBytes,
      responses: { 202: Job, 409: DuplicateBody },
    },
    async ({ params, body, actor }) => acceptedJob(await imports.commit(params.id, body ?? {}, actor)),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: `${base}/{id}/undo`,
      operationId: `undo${subject}Import`,
      summary: `Undo an import of ${records}`,
      description:
        'Starts a job that moves records that the import created to the trash and restores the former values of records that it changed. Records that somebody has changed since stay as they are (`kept` in the counts of the job) and are listed in the file at its `errorsUrl`. Changes of later imports that were undone do not count, and an undo that kept records can be repeated for them.',
      params,
      responses: { 202: Job },
    },
    async ({ params, actor }) => acceptedJob(await imports.undo(params.id, actor)),
  )
}
