import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Job } from '@clientele/contracts/job'
import type { Page } from '@clientele/contracts/page'
import { type Actor, isAdmin } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { afterCommit } from '@clientele/platform/data/transaction'
import { type Result, streamed } from '@clientele/platform/http/response'
import { Problem } from '@clientele/platform/runtime/problem'
import { type JobRow, jobList, presentJob } from './job.list.ts'
import type { JobTable } from './job.store.ts'
import type { JobFiles } from './job-files.ts'
import type { JobLinks } from './job-links.ts'

type Deps = { db: Db; table: JobTable; files: JobFiles; links: JobLinks; wake: () => void }
type Which = 'result' | 'errors'
type NewJob = Parameters<JobTable['add']>[0]

const stalledMs = 60_000
const notFound = () => new Problem('not_found', { detail: 'there is no such job' })
const isOpen = ({ status }: JobRow): boolean => ['queued', 'running', 'cancelling'].includes(status)
// What lies in a file came from outside: nothing of it is shown as a page.
const safely = { 'X-Content-Type-Options': 'nosniff', 'Content-Security-Policy': "sandbox; default-src 'none'" }

export type JobService = ReturnType<typeof createJobService>

/** Jobs as their owners see them; admins see everybody's. */
export const createJobService = ({ db, table, files, links, wake }: Deps) => {
  const rowOf = async (id: string, tx?: Tx): Promise<JobRow> => {
    const { rows } = await jobList.run(db, {}, { where: (bind) => `id = ${bind(id)}`, ...(tx && { tx }) })
    const [row] = rows
    if (!row) throw notFound()
    return row
  }
  const ownRow = async (id: string, actor: Actor): Promise<JobRow> => {
    const row = await rowOf(id)
    if (row.ownerId !== actor.id && !isAdmin(actor)) throw notFound()
    return row
  }
  const present = (row: JobRow): Job => presentJob(row, links.of)

  const send = async (row: JobRow, which: Which, req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const fileId = which === 'result' ? row.resultFile : row.errorsFile
    const file = fileId === null ? undefined : await files.get(fileId)
    if (!file?.sha256) throw new Problem('not_found', { detail: 'there is no such file (yet), or it has expired' })
    const headers = {
      ...safely,
      'Content-Type': file.contentType,
      'Content-Length': String(file.bytes),
      'Content-Disposition': `attachment; filename="${row.kind}-${row.id}${/(?:\.[a-z]+)+$/.exec(file.name)?.[0] ?? ''}"`,
      'Cache-Control': 'private, no-store',
      'Repr-Digest': `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`,
    }
    const { result } = row.state ?? {}
    if (which === 'result' && result) res.setHeader('X-Row-Count', String(result.rows))
    for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
    if (req.method === 'HEAD') return void res.end()
    res.setTimeout(stalledMs, () => res.destroy())
    // Where the reader goes away there is nobody left to tell.
    await pipeline(Readable.from(files.read(file.id)), res).catch(() => res.destroy())
  }

  return {
    /** Queues a job in the caller's transaction. */
    add: async (job: NewJob, tx: Tx): Promise<Job> => {
      const id = await table.add(job, tx)
      afterCommit(tx, wake)
      return present(await rowOf(id, tx))
    },

    linkOf: links.of,

    /** Asks a job to end, whoever's it is. */
    cancel: async (id: string): Promise<void> => {
      await table.cancel(id)
      wake()
    },

    list: async (query: Record<string, unknown>, actor: Actor): Promise<Page<Job>> => {
      const own = isAdmin(actor) ? {} : { where: (bind: (value: unknown) => string) => `owner_id = ${bind(actor.id)}` }
      const { rows, page } = await jobList.run(db, query, { actor, ...own })
      return { data: rows.map(present), page }
    },

    get: async (id: string, actor: Actor): Promise<Job> => present(await ownRow(id, actor)),

    /** Asks a job to end; one that has ended goes with its files. @throws Problem 409 for one that belongs to something else */
    remove: async (id: string, actor: Actor): Promise<void> => {
      const row = await ownRow(id, actor)
      if (isOpen(row)) {
        await table.cancel(id)
        return wake()
      }
      if (row.parent !== null)
        throw new Problem('invalid_state', { detail: 'the job has ended, and goes with what it belongs to' })
      await db.transaction(async (tx) => {
        await db.query('delete from jobs where id = $1', [id], { tx })
        for (const file of [row.resultFile, row.errorsFile]) if (file !== null) await files.remove(file, tx)
      })
    },

    /** One of a job's files, to whoever has a valid link, to the owner and to admins. */
    file: async (id: string, which: Which, actor: Actor, req: IncomingMessage): Promise<Result<200, undefined>> => {
      const byLink = links.allows(req)
      if (!byLink && actor.token === '')
        throw new Problem('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="clientele"' } })
      const row = await (byLink ? rowOf(id) : ownRow(id, actor))
      return streamed((res) => send(row, which, req, res))
    },
  }
}
