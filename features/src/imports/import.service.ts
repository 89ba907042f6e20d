import type { Import, ImportCommit, ImportOptions, ImportPatch } from '@clientele/contracts/import'
import { ImportMapping } from '@clientele/contracts/import'
import type { Job } from '@clientele/contracts/job'
import type { Page } from '@clientele/contracts/page'
import { type Actor, isAdmin } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { parseBody } from '@clientele/platform/http/request-parsing'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { JobService } from '../jobs/job.service.ts'
import type { JobTable } from '../jobs/job.store.ts'
import type { JobFiles } from '../jobs/job-files.ts'
import { TableWindow } from '../tables/byte-window.ts'
import { type Sniffed, sniffTable } from '../tables/format-detection.ts'
import { createParser } from '../tables/reader.ts'
import { FileFault } from '../tables/row.ts'
import { removeImport } from './import.cleanup.ts'
import { type ImportRow, importList, presentImport } from './import.list.ts'
import { type Choice, createImportTable } from './import.store.ts'
import type { ImportUpload } from './import.uploads.ts'
import type { AnyTarget } from './import-target.ts'
import { chosenMapping, suggested } from './mapping.ts'
import { fileProblem } from './received-file.ts'

type Deps = {
  db: Db
  target: AnyTarget
  files: JobFiles
  jobs: JobService
  jobTable: JobTable
  keepHours: number
  maxBytes: number
}

const running = ['checking', 'importing', 'undoing']
const invalidState = (detail: string) => new Problem('invalid_state', { detail })

/** The job of a commit that was cancelled or has failed, which can go on. */
const brokenJobOf = ({ commitJob, status }: ImportRow): string | undefined =>
  commitJob !== null && (status === 'cancelled' || status === 'failed') ? commitJob : undefined

const assertChecked = ({ status }: ImportRow): void => {
  if (status !== 'checked') throw invalidState(`an import that is ${status} cannot be committed`)
}

const assertCanContinue = ({ undoJob }: ImportRow, choices: ImportPatch): void => {
  if (undoJob !== null) throw invalidState('the import was taken back')
  if (Object.keys(choices).length > 0) throw invalidState('an import that has begun keeps its choices')
}

const mappingOf = (text: string): ImportMapping => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw fieldProblem('/mapping', 'invalid_json', 'must be a JSON object of columns and fields')
  }
  return parseBody(ImportMapping, value)
}

export type ImportService = ReturnType<typeof createImportService>

/** Imports as their owners see them; admins see everybody's. */
export const createImportService = ({ db, target, files, jobs, jobTable, keepHours, maxBytes }: Deps) => {
  const table = createImportTable(db)
  const present = (row: ImportRow): Import => presentImport(row, jobs.linkOf)

  const own = async (id: string, actor: Actor, tx?: Tx): Promise<ImportRow> => {
    const row = await table.get(id, tx)
    if (!row || (row.createdBy !== actor.id && !isAdmin(actor)))
      throw new Problem('not_found', { detail: 'there is no such import' })
    return row
  }
  const locked = async (id: string, actor: Actor, tx: Tx): Promise<ImportRow> => {
    await table.lock(id, tx)
    return own(id, actor, tx)
  }

  const sniffed = (upload: ImportUpload): Sniffed => {
    const found = tableIn(upload)
    if (upload.isJson && found.format.format === 'csv') throw fieldProblem('/file', 'unknown_format', 'is not JSON')
    return found
  }
  const tableIn = ({ file, options }: ImportUpload): Sniffed => {
    const { format, delimiter, header } = options
    try {
      const whole = file.bytes <= file.sample.length
      const said = { format, delimiter, ...(header !== undefined && { header: header === 'true' }), dotted: true }
      return sniffTable(file.sample, whole, said)
    } catch (error) {
      throw error instanceof FileFault ? fileProblem(error, maxBytes) : error
    }
  }

  const samplesOf = ({ file }: ImportUpload, { format }: Sniffed) => {
    try {
      const window = new TableWindow()
      window.push(file.sample)
      window.ended = file.bytes <= file.sample.length
      const rows = createParser(format, { dotted: true, limits: { batchRows: 20 } }).take(window)
      return rows.flatMap(({ values }) => (values ? [values] : []))
    } catch {
      // Whatever is wrong with the file, the dry run says it better.
      return []
    }
  }

  const matchByOf = (matchBy: string | undefined): string => {
    if (matchBy === undefined) return target.matchBy[0]
    if (target.matchBy.includes(matchBy)) return matchBy
    throw fieldProblem('/matchBy', 'invalid_value', `must be one of ${target.matchBy.join(', ')}`)
  }
  const choiceOf = (row: ImportRow, { mapping, matchBy, onMatch }: ImportPatch): Choice => ({
    mapping: mapping === undefined ? row.mapping : chosenMapping(target, row.columns, mapping),
    matchBy: matchBy === undefined ? row.matchBy : matchByOf(matchBy),
    onMatch: onMatch ?? row.onMatch,
  })

  const startCheck = async (id: string, actor: Actor, tx: Tx): Promise<void> => {
    const job = await jobs.add({ kind: 'import.check', owner: actor, input: {}, parent: id }, tx)
    await table.setJob(id, 'check', job.id, keepHours, tx)
  }

  const refuseDuplicate = async ({ id, sha256 }: ImportRow, tx: Tx): Promise<void> => {
    const duplicate = await table.previous(target.entity, sha256, id, tx)
    if (duplicate === null) return
    throw new Problem('duplicate', {
      detail: 'the same content was imported before; say `again` to import it once more',
      extra: { conflictingId: duplicate, conflictingState: 'active' },
    })
  }

  return {
    list: async (query: Record<string, unknown>, actor: Actor): Promise<Page<Import>> => {
      const narrow = isAdmin(actor)
        ? {}
        : { where: (bind: (value: unknown) => string) => `created_by = ${bind(actor.id)}` }
      const { rows, page } = await importList.run(db, query, { actor, ...narrow })
      return { data: rows.map(present), page }
    },

    get: async (id: string, actor: Actor): Promise<Import> => present(await own(id, actor)),

    /** Makes an import of a file that was received, and begins its dry run. */
    create: (upload: ImportUpload, actor: Actor): Promise<Import> =>
      upload.keep(async () => {
        const { file, options }: { file: ImportUpload['file']; options: ImportOptions } = upload
        const found = sniffed(upload)
        const { format, columns } = found
        const mapping =
          options.mapping === undefined
            ? suggested(target, columns, samplesOf(upload, found))
            : chosenMapping(target, columns, mappingOf(options.mapping))
        const { id: fileId, bytes, sha256, encoding } = file
        return db.transaction(async (tx) => {
          const made = {
            ...{ entity: target.entity, fileId, name: options.name ?? null, format, encoding, bytes, sha256, columns },
            ...{ mapping, matchBy: matchByOf(options.matchBy), onMatch: options.onMatch ?? ('update' as const) },
            ...{ previousImport: await table.previous(target.entity, sha256, null, tx), owner: actor, keepHours },
          }
          const id = await table.add(made, tx)
          await files.keep(fileId, keepHours, tx)
          await startCheck(id, actor, tx)
          return present(await own(id, actor, tx))
        })
      }),

    /** Other choices; the dry run is made again. */
    patch: (id: string, patch: ImportPatch, actor: Actor): Promise<Import> =>
      db.transaction(async (tx) => {
        const row = await locked(id, actor, tx)
        if (row.commitJob !== null) throw invalidState('the import was committed already')
        if (running.includes(row.status)) throw invalidState('the dry run is still under way')
        await table.choose(id, choiceOf(row, patch), tx)
        await startCheck(id, actor, tx)
        return present(await own(id, actor, tx))
      }),

    /** Begins the import, or goes on with one that was cancelled or failed. */
    commit: (id: string, { again = false, ...choices }: ImportCommit, actor: Actor): Promise<Job> =>
      db.transaction(async (tx) => {
        const row = await locked(id, actor, tx)
        const brokenJob = brokenJobOf(row)
        if (brokenJob === undefined) assertChecked(row)
        else assertCanContinue(row, choices)
        if (!again) await refuseDuplicate(row, tx)
        await table.choose(id, choiceOf(row, choices), tx)
        const from = brokenJob === undefined ? undefined : await jobTable.checkpointOf(brokenJob, tx)
        const job = await jobs.add({ kind: 'import', owner: actor, input: {}, parent: id, ...from }, tx)
        await table.setJob(id, 'commit', job.id, keepHours, tx)
        if (row.fileId !== null) await files.keep(row.fileId, keepHours, tx)
        return job
      }),

    /** Begins to take an import back. */
    undo: (id: string, actor: Actor): Promise<Job> =>
      db.transaction(async (tx) => {
        const row = await locked(id, actor, tx)
        if (row.commitJob === null || running.includes(row.status) || row.status === 'undone')
          throw invalidState(`an import that is ${row.status} cannot be taken back`)
        const job = await jobs.add({ kind: 'import.undo', owner: actor, input: {}, parent: id }, tx)
        await table.setJob(id, 'undo', job.id, keepHours, tx)
        return job
      }),

    /** Cancels what runs; an import at rest is removed with its file, and cannot be taken back any more. */
    remove: async (id: string, actor: Actor): Promise<void> => {
      const row = await own(id, actor)
      if (running.includes(row.status)) return jobs.cancel(row.jobId)
      await removeImport(db, row.id)
    },
  }
}
