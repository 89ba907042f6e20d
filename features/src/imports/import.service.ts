import type { Import, ImportPreview } from '@clientele/contracts/imports/import'
import type { ImportCommit, ImportOptions, ImportPatch } from '@clientele/contracts/imports/import-options'
import type { Job } from '@clientele/contracts/job'
import type { Page } from '@clientele/contracts/page'
import { type Actor, isAdmin } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { UserNames } from '@clientele/platform/data/user-names'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { JobService } from '../jobs/job.service.ts'
import type { JobTable } from '../jobs/job.store.ts'
import type { JobFiles } from '../jobs/job-files.ts'
import { type DetectedTable, detectTable } from '../tables/format-detection.ts'
import { FileError, type TableFormat } from '../tables/row.ts'
import { findFooter } from '../tables/table-end.ts'
import { parseSamples, readSamples } from './columns/sample-rows.ts'
import { createKnownNames } from './columns/suggest-mapping.ts'
import { fileWarnings } from './file-warnings.ts'
import { changedChoice, firstChoice } from './import.choice.ts'
import { removeImport } from './import.cleanup.ts'
import { type ImportRow, importList, presentImport } from './import.list.ts'
import { createImportTable } from './import.store.ts'
import type { ImportUpload } from './import.uploads.ts'
import type { AnyTarget } from './import-target.ts'
import { previewRows } from './preview.ts'
import { type ReceivedFile, toFileProblem } from './received-file.ts'
import { assertWorkbookOptions, detectSheet } from './sheet-detection.ts'
import { changedWarnings, firstWarnings } from './warnings.ts'

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

/** The format of the stored text, as far as it is declared: contacts are stored as NDJSON, and sheets as CSV. */
const declaredFormat = (
  { source }: ReceivedFile,
  format: ImportOptions['format'],
): TableFormat['format'] | undefined => {
  if (source) return 'ndjson'
  return format === 'xlsx' ? undefined : format
}

/** Ends the table before the lines that a report has below it. */
const withoutFooter = ({ bytes, tail }: ReceivedFile, format: TableFormat) => {
  const footer = format.format === 'csv' ? findFooter(tail, format) : undefined
  return footer ? { format: { ...format, end: bytes - footer.bytes }, footer: footer.lines } : { format, footer: [] }
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
    const { format, delimiter, header, skip } = options
    const { sample, workbook } = file
    assertWorkbookOptions(workbook, options)
    try {
      const isWhole = file.bytes <= sample.length
      const declared = {
        ...{ format: declaredFormat(file, format), delimiter, isKnownName, dotted: true },
        ...(header !== undefined && { header: header === 'true' }),
        ...(skip !== undefined && { skip: Number(skip) }),
      }
      return workbook ? detectSheet(sample, isWhole, declared, workbook) : detectTable(sample, isWhole, declared)
    } catch (error) {
      throw error instanceof FileError ? toFileProblem(error, maxBytes) : error
    }
  }

  const setChoice = async (row: ImportRow, patch: ImportPatch, tx: Tx): Promise<void> => {
    const samples = await readSamples(files, row)
    const chosen = changedChoice({ target, columns: row.columns, samples }, row, patch)
    const warnings = changedWarnings(row.warnings, { target, samples, ...chosen })
    await table.setChoice(row.id, chosen.choice, warnings, tx)
  }

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

    /** Returns the results and values of the first rows. */
    preview: async (id: string, actor: Actor): Promise<ImportPreview> =>
      previewRows(files, target, await getOwn(id, actor)),

    /** Creates an import of an uploaded file and starts its dry run. */
    create: (upload: ImportUpload, actor: Actor): Promise<Import> =>
      upload.discardOnFailure(async () => {
        const { file, options } = upload
        const detected = detectUpload(upload)
        const { columns, titles } = detected
        const { format, footer } = withoutFooter(file, detected.format)
        const samples = parseSamples(file.sample, file.bytes <= file.sample.length, format)
        const chosen = firstChoice({ target, columns, samples }, options)
        const { id: fileId, bytes, sha256, encoding, encodingBy } = file
        return db.transaction(async (tx) => {
          const newImport = {
            entity: target.entity,
            fileId,
            name: options.name ?? null,
            format,
            encoding,
            encodingBy,
            warnings: firstWarnings(fileWarnings(file, { titles, footer }), { target, samples, ...chosen }),
            bytes,
            sha256,
            columns,
            ...chosen.choice,
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
        await setChoice(row, patch, tx)
        await startCheck(id, actor, tx)
        return present(await getOwn(id, actor, tx))
      }),

    /** Starts the commit, or continues one that failed or was cancelled. */
    commit: (id: string, { again = false, ...changes }: ImportCommit, actor: Actor): Promise<Job> =>
      db.transaction(async (tx) => {
        const row = await lockOwn(id, actor, tx)
        const interruptedJob = interruptedJobOf(row)
        if (interruptedJob === undefined) assertChecked(row)
        else assertCanContinue(row, changes)
        if (!again) await refuseDuplicate(row, tx)
        if (Object.keys(changes).length > 0) await setChoice(row, changes, tx)
        const checkpoint = interruptedJob === undefined ? undefined : await jobTable.getCheckpoint(interruptedJob, tx)
        const job = await jobs.add({ kind: 'import', owner: actor, input: {}, parent: id, ...checkpoint }, tx)
        await table.setJob(id, 'commit', job.id, keepHours, tx)
        if (row.fileId !== null) await files.extendExpiry(row.fileId, keepHours, tx)
        return job
      }),

    /** Starts the undo, or repeats one that kept records: what stood in its way may be gone. */
    undo: (id: string, actor: Actor): Promise<Job> =>
      db.transaction(async (tx) => {
        const row = await lockOwn(id, actor, tx)
        if (row.commitJob === null || runningStatuses.includes(row.status))
          throw invalidState(`an import with status ${row.status} cannot be undone`)
        if (row.status === 'undone' && !(await table.hasKept(id, tx)))
          throw invalidState('the import was undone, and nothing was kept')
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
