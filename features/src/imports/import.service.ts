import type { Import, ImportCommit, ImportOptions, ImportPatch } from '@clientele/contracts/import'
import { ImportMapping } from '@clientele/contracts/import'
import type { Job } from '@clientele/contracts/job'
import type { Page } from '@clientele/contracts/page'
import { type Actor, isAdmin } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { UserNames } from '@clientele/platform/data/user-names'
import { parseBody } from '@clientele/platform/http/request-parsing'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { JobService } from '../jobs/job.service.ts'
import type { JobTable } from '../jobs/job.store.ts'
import type { JobFiles } from '../jobs/job-files.ts'
import { ByteWindow } from '../tables/byte-window.ts'
import { type DetectedTable, detectTable } from '../tables/format-detection.ts'
import { createParser } from '../tables/reader.ts'
import { FileError } from '../tables/row.ts'
import { removeImport } from './import.cleanup.ts'
import { type ImportRow, importList, presentImport } from './import.list.ts'
import { type Choice, createImportTable } from './import.store.ts'
import type { ImportUpload } from './import.uploads.ts'
import type { AnyTarget } from './import-target.ts'
import { suggestForTarget, validateMapping } from './mapping.ts'
import { toFileProblem } from './received-file.ts'
import { createKnownNames } from './suggest-mapping.ts'

type Deps = {
  db: Db
  target: AnyTarget
  files: JobFiles
  jobs: JobService
  jobTable: JobTable
  userNames: UserNames
  keepHours: number
  maxBytes: number
}

const runningStatuses = ['checking', 'importing', 'undoing']
const invalidState = (detail: string) => new Problem('invalid_state', { detail })

/** Returns the job of a failed or cancelled commit, which another job can continue. */
const interruptedJobOf = ({ commitJob, status }: ImportRow): string | undefined =>
  commitJob !== null && (status === 'cancelled' || status === 'failed') ? commitJob : undefined

const assertChecked = ({ status }: ImportRow): void => {
  if (status !== 'checked') throw invalidState(`an import with status ${status} cannot be committed`)
}

const assertCanContinue = ({ undoJob }: ImportRow, choices: ImportPatch): void => {
  if (undoJob !== null) throw invalidState('the import was undone')
  if (Object.keys(choices).length > 0)
    throw invalidState('the options of an import cannot be changed after its commit has started')
}

const parseMapping = (text: string): ImportMapping => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw fieldProblem('/mapping', 'invalid_json', 'must be a JSON object from column to field')
  }
  return parseBody(ImportMapping, value)
}

export type ImportService = ReturnType<typeof createImportService>

/** Creates the import operations of the API. Users see their own imports; admins see all imports. */
export const createImportService = ({ db, target, files, jobs, jobTable, userNames, keepHours, maxBytes }: Deps) => {
  const table = createImportTable(db)
  const present = (row: ImportRow): Import => presentImport(row, jobs.fileUrlOf)

  const getOwn = async (id: string, actor: Actor, tx?: Tx): Promise<ImportRow> => {
    const found = await table.get(id, tx)
    const [row] = await userNames.withCurrentNames(found ? [found] : [], tx)
    if (!row || (row.createdBy !== actor.id && !isAdmin(actor)))
      throw new Problem('not_found', { detail: 'import not found' })
    return row
  }
  const lockOwn = async (id: string, actor: Actor, tx: Tx): Promise<ImportRow> => {
    await table.lock(id, tx)
    return getOwn(id, actor, tx)
  }

  const isKnownName = createKnownNames(target.fields)
  const detectUpload = (upload: ImportUpload): DetectedTable => {
    const detected = detectWithOptions(upload)
    if (upload.file.source) detected.format = { format: 'ndjson', source: upload.file.source }
    if (upload.isJson && detected.format.format === 'csv')
      throw fieldProblem('/file', 'unknown_format', 'must be JSON, as its content type says')
    return detected
  }
  const detectWithOptions = ({ file, options }: ImportUpload): DetectedTable => {
    const { format, delimiter, header } = options
    try {
      const isWhole = file.bytes <= file.sample.length
      const declared = {
        ...{ format: file.source ? ('ndjson' as const) : format, delimiter, isKnownName, dotted: true },
        ...(header !== undefined && { header: header === 'true' }),
      }
      return detectTable(file.sample, isWhole, declared)
    } catch (error) {
      throw error instanceof FileError ? toFileProblem(error, maxBytes) : error
    }
  }

  const readSamples = ({ file }: ImportUpload, { format }: DetectedTable) => {
    try {
      const window = new ByteWindow()
      window.push(file.sample)
      window.ended = file.bytes <= file.sample.length
      const rows = createParser(format, { dotted: true, limits: { batchRows: 20 } }).parse(window)
      return rows.flatMap(({ values }) => (values ? [values] : []))
    } catch {
      // The dry run reports the errors of the file.
      return []
    }
  }

  const parseMatchBy = (matchBy: string | undefined): string => {
    if (matchBy === undefined) return target.matchBy[0]
    if (target.matchBy.includes(matchBy)) return matchBy
    throw fieldProblem('/matchBy', 'invalid_value', `must be one of ${target.matchBy.join(', ')}`)
  }
  const mergeChoice = (row: ImportRow, { mapping, matchBy, onMatch }: ImportPatch): Choice => ({
    mapping: mapping === undefined ? row.mapping : validateMapping(target, row.columns, mapping),
    matchBy: matchBy === undefined ? row.matchBy : parseMatchBy(matchBy),
    onMatch: onMatch ?? row.onMatch,
  })

  const startCheck = async (id: string, actor: Actor, tx: Tx): Promise<void> => {
    const job = await jobs.add({ kind: 'import.check', owner: actor, input: {}, parent: id }, tx)
    await table.setJob(id, 'check', job.id, keepHours, tx)
  }

  const refuseDuplicate = async ({ id, sha256 }: ImportRow, tx: Tx): Promise<void> => {
    const duplicate = await table.findPrevious(target.entity, sha256, id, tx)
    if (duplicate === null) return
    throw new Problem('duplicate', {
      detail: 'the same content was imported before; set `again` to true to import it once more',
      extra: { conflictingId: duplicate, conflictingState: 'active' },
    })
  }

  return {
    list: async (query: Record<string, unknown>, actor: Actor): Promise<Page<Import>> => {
      const scope = isAdmin(actor)
        ? {}
        : { where: (bind: (value: unknown) => string) => `created_by = ${bind(actor.id)}` }
      const { rows, page } = await importList.run(db, query, { actor, ...scope })
      return { data: (await userNames.withCurrentNames(rows)).map(present), page }
    },

    get: async (id: string, actor: Actor): Promise<Import> => present(await getOwn(id, actor)),

    /** Creates an import of an uploaded file and starts its dry run. */
    create: (upload: ImportUpload, actor: Actor): Promise<Import> =>
      upload.discardOnFailure(async () => {
        const { file, options }: { file: ImportUpload['file']; options: ImportOptions } = upload
        const detected = detectUpload(upload)
        const { format, columns } = detected
        const mapping =
          options.mapping === undefined
            ? suggestForTarget(target, columns, readSamples(upload, detected))
            : validateMapping(target, columns, parseMapping(options.mapping))
        const { id: fileId, bytes, sha256, encoding } = file
        return db.transaction(async (tx) => {
          const newImport = {
            entity: target.entity,
            fileId,
            name: options.name ?? null,
            format,
            encoding,
            bytes,
            sha256,
            columns,
            mapping,
            matchBy: parseMatchBy(options.matchBy),
            onMatch: options.onMatch ?? ('update' as const),
            previousImport: await table.findPrevious(target.entity, sha256, null, tx),
            owner: actor,
            keepHours,
          }
          const id = await table.add(newImport, tx)
          await files.extendExpiry(fileId, keepHours, tx)
          await startCheck(id, actor, tx)
          return present(await getOwn(id, actor, tx))
        })
      }),

    /** Changes the options and repeats the dry run. */
    update: (id: string, patch: ImportPatch, actor: Actor): Promise<Import> =>
      db.transaction(async (tx) => {
        const row = await lockOwn(id, actor, tx)
        if (row.commitJob !== null) throw invalidState('the import has already been committed')
        if (runningStatuses.includes(row.status)) throw invalidState('the dry run is still in progress')
        await table.setChoice(id, mergeChoice(row, patch), tx)
        await startCheck(id, actor, tx)
        return present(await getOwn(id, actor, tx))
      }),

    /** Starts the commit, or continues one that failed or was cancelled. */
    commit: (id: string, { again = false, ...choices }: ImportCommit, actor: Actor): Promise<Job> =>
      db.transaction(async (tx) => {
        const row = await lockOwn(id, actor, tx)
        const interruptedJob = interruptedJobOf(row)
        if (interruptedJob === undefined) assertChecked(row)
        else assertCanContinue(row, choices)
        if (!again) await refuseDuplicate(row, tx)
        await table.setChoice(id, mergeChoice(row, choices), tx)
        const checkpoint = interruptedJob === undefined ? undefined : await jobTable.getCheckpoint(interruptedJob, tx)
        const job = await jobs.add({ kind: 'import', owner: actor, input: {}, parent: id, ...checkpoint }, tx)
        await table.setJob(id, 'commit', job.id, keepHours, tx)
        if (row.fileId !== null) await files.extendExpiry(row.fileId, keepHours, tx)
        return job
      }),

    /** Starts the undo. */
    undo: (id: string, actor: Actor): Promise<Job> =>
      db.transaction(async (tx) => {
        const row = await lockOwn(id, actor, tx)
        if (row.commitJob === null || runningStatuses.includes(row.status) || row.status === 'undone')
          throw invalidState(`an import with status ${row.status} cannot be undone`)
        const job = await jobs.add({ kind: 'import.undo', owner: actor, input: {}, parent: id }, tx)
        await table.setJob(id, 'undo', job.id, keepHours, tx)
        return job
      }),

    /** Cancels the running job of the import; if there is none, deletes the import with its file. */
    remove: async (id: string, actor: Actor): Promise<void> => {
      const row = await getOwn(id, actor)
      if (runningStatuses.includes(row.status)) return jobs.cancel(row.jobId)
      await removeImport(db, row.id)
    },
  }
}
