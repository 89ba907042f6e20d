import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Job, JobFileLink } from '@clientele/contracts/job'
import type { Page } from '@clientele/contracts/page'
import { type Actor, isAdmin } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { afterCommit } from '@clientele/platform/data/transaction'
import type { UserNames } from '@clientele/platform/data/user-names'
import { type Result, streamed } from '@clientele/platform/http/response'
import { Problem } from '@clientele/platform/runtime/problem'
import { type JobRow, jobList, presentJob } from './job.list.ts'
import type { JobQuota } from './job.quota.ts'
import type { JobTable } from './job.store.ts'
import type { JobFile, JobFiles } from './job-files.ts'
import type { JobFileKind, JobLinks } from './job-links.ts'

type Deps = {
  db: Db
  table: JobTable
  files: JobFiles
  quota: JobQuota
  links: JobLinks
  userNames: UserNames
  wake: () => void
}
type NewJob = Parameters<JobTable['add']>[0]

const stallTimeoutMs = 60_000
const notFound = () => new Problem('not_found', { detail: 'job not found' })
const isUnfinished = ({ status }: JobRow): boolean => ['queued', 'running', 'cancelling'].includes(status)
// The content of a file is user input. Browsers must not render it as a page.
const safeHeaders = { 'X-Content-Type-Options': 'nosniff', 'Content-Security-Policy': "sandbox; default-src 'none'" }

export type JobService = ReturnType<typeof createJobService>

/** Creates the job operations of the API. Users see their own jobs; admins see all jobs. */
export const createJobService = ({ db, table, files, quota, links, userNames, wake }: Deps) => {
  const getRow = async (id: string, tx?: Tx): Promise<JobRow> => {
    const { rows } = await jobList.run(
      db,
      { total: 'none' },
      { where: (bind) => `id = ${bind(id)}`, ...(tx && { tx }) },
    )
    const [row] = await userNames.withCurrentNames(rows, tx)
    if (!row) throw notFound()
    return row
  }
  const getOwnRow = async (id: string, actor: Actor): Promise<JobRow> => {
    const row = await getRow(id)
    if (row.ownerId !== actor.id && !isAdmin(actor)) throw notFound()
    return row
  }
  const present = (row: JobRow): Job => presentJob(row, links.urlOf)

  const getFile = async (row: JobRow, kind: JobFileKind): Promise<JobFile & { sha256: string }> => {
    const fileId = kind === 'result' ? row.resultFile : row.errorsFile
    const file = fileId === null ? undefined : await files.get(fileId)
    if (!file?.sha256)
      throw new Problem('not_found', { detail: 'file not found: it is not complete yet or has expired' })
    return { ...file, sha256: file.sha256 }
  }

  const sendFile = async (row: JobRow, kind: JobFileKind, req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const file = await getFile(row, kind)
    const headers = {
      ...safeHeaders,
      'Content-Type': file.contentType,
      'Content-Length': String(file.bytes),
      'Content-Disposition': `attachment; filename="${row.kind}-${row.id}${/(?:\.[a-z]+)+$/.exec(file.name)?.[0] ?? ''}"`,
      'Cache-Control': 'private, no-store',
      'Repr-Digest': `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`,
    }
    const { result } = row.state ?? {}
    if (kind === 'result' && result) res.setHeader('X-Row-Count', String(result.rows))
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
    if (req.method === 'HEAD') return void res.end()
    res.setTimeout(stallTimeoutMs, () => res.destroy())
    // After an error the connection is closed, because the status has been sent already.
    await pipeline(Readable.from(files.read(file.id)), res).catch(() => res.destroy())
  }

  return {
    /** Queues a job in the caller's transaction. @throws Problem 429 if its owner has too many */
    add: async (job: NewJob, tx: Tx): Promise<Job> => {
      await quota.assertMayAddJob(job.owner.id, tx)
      const id = await table.add(job, tx)
      afterCommit(tx, wake)
      return present(await getRow(id, tx))
    },

    /** Returns the URL of one of a job's files. It requires an access token. */
    fileUrlOf: links.urlOf,

    /** Creates a link to one of a job's files, which works without an access token. */
    createLink: async (id: string, kind: JobFileKind, actor: Actor): Promise<JobFileLink> => {
      const row = await getOwnRow(id, actor)
      await getFile(row, kind)
      return links.create(id, kind, actor.id)
    },

    /** Cancels a job without checking who owns it. */
    cancel: async (id: string): Promise<void> => {
      await table.cancel(id)
      wake()
    },

    list: async (query: Record<string, unknown>, actor: Actor): Promise<Page<Job>> => {
      const own = isAdmin(actor) ? {} : { where: (bind: (value: unknown) => string) => `owner_id = ${bind(actor.id)}` }
      const { rows, page } = await jobList.run(db, query, { actor, ...own })
      return { data: (await userNames.withCurrentNames(rows)).map(present), page }
    },

    get: async (id: string, actor: Actor): Promise<Job> => present(await getOwnRow(id, actor)),

    /**
     * Cancels a job that has not ended; deletes one that has, with its files.
     * @throws Problem 409 if the job belongs to an import: it is deleted with the import
     */
    remove: async (id: string, actor: Actor): Promise<void> => {
      const row = await getOwnRow(id, actor)
      if (isUnfinished(row)) {
        await table.cancel(id)
        return wake()
      }
      if (row.parent !== null)
        throw new Problem('invalid_state', {
          detail: 'the job has ended and belongs to an import; it is deleted with the import',
        })
      await db.transaction(async (tx) => {
        await db.query('delete from jobs where id = $1', [id], { tx })
        for (const file of [row.resultFile, row.errorsFile]) if (file !== null) await files.remove(file, tx)
      })
    },

    /** Sends one of a job's files: to the owner, to admins, and to whoever has the secret of a link. */
    download: async (
      { id, kind, link }: { id: string; kind: JobFileKind; link: string | undefined },
      actor: Actor,
      req: IncomingMessage,
    ): Promise<Result<200, undefined>> => {
      if (link !== undefined) await links.verify(link, id, kind)
      else if (actor.token === '')
        throw new Problem('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="clientele"' } })
      const row = await (link !== undefined ? getRow(id) : getOwnRow(id, actor))
      return streamed((res) => sendFile(row, kind, req, res))
    },
  }
}
