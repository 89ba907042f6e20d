import { uuid } from '@clientele/contracts/fields'
import { Import, ImportCommit, ImportOptions, ImportPatch } from '@clientele/contracts/import'
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
/** `base` is where imports are, such as `/v1/imports`, `jobs` where jobs are; `subject` tells operations of services apart. */
export type ImportRouteOptions = { base: string; jobs: string; subject?: string; tag?: string }

const roles = ['user'] as const
const params = z.strictObject({ id: uuid })

/** The routes of imports of one resource. */
export const importRoutes = (
  api: Api,
  { imports, uploads }: ImportRouteDeps,
  { base, jobs, subject = '', tag = 'Imports' }: ImportRouteOptions,
): void => {
  const shared = { tag, roles }
  const begun = (job: Job) => accepted(job, `${jobs}/${job.id}`)

  api.operation(
    {
      ...shared,
      method: 'get',
      path: base,
      operationId: `list${subject}Imports`,
      summary: 'Imports, newest first: one’s own, or everybody’s for admins',
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
      summary: 'Takes a file and begins its dry run',
      description:
        'A form with the file, or the bare file with its options in the address: CSV, JSON or NDJSON, plain or gzip. Nothing is imported before `commit`.',
      query: ImportOptions,
      uploads,
      responses: { 202: Import, 413: ProblemBody },
    },
    async ({ body, actor }) => {
      const made = await imports.create(body, actor)
      return accepted(made, `${base}/${made.id}`)
    },
  )

  api.operation(
    {
      ...shared,
      method: 'get',
      path: `${base}/{id}`,
      operationId: `get${subject}Import`,
      summary: 'How far an import is, with its counts and first errors',
      params,
      responses: { 200: Import },
    },
    async ({ params, actor }) => ok(await imports.get(params.id, actor)),
  )

  api.operation(
    {
      ...shared,
      method: 'patch',
      path: `${base}/{id}`,
      operationId: `patch${subject}Import`,
      summary: 'Another mapping, key or way; the dry run is made again',
      params,
      body: ImportPatch,
      responses: { 202: Import },
    },
    async ({ params, body, actor }) => accepted(await imports.patch(params.id, body, actor), `${base}/${params.id}`),
  )

  api.operation(
    {
      ...shared,
      method: 'delete',
      path: `${base}/{id}`,
      operationId: `delete${subject}Import`,
      summary: 'Cancels what runs, or removes an import at rest with its file',
      description: 'What was imported stays. An import that was removed cannot be taken back.',
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
      summary: 'Imports the file, as a job',
      description:
        'Each row is checked again as it is imported. After a cancelled or failed commit it goes on where that one ended.',
      params,
      body: ImportCommit.optional(),
      responses: { 202: Job, 409: DuplicateBody },
    },
    async ({ params, body, actor }) => begun(await imports.commit(params.id, body ?? {}, actor)),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: `${base}/{id}/undo`,
      operationId: `undo${subject}Import`,
      summary: 'Takes an import back, as a job',
      description:
        'What it made goes into the trash, what it changed is restored. What somebody has changed since stays, and is named in the file at `errorsUrl`.',
      params,
      responses: { 202: Job },
    },
    async ({ params, actor }) => begun(await imports.undo(params.id, actor)),
  )
}
