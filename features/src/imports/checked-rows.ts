import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ImportCounts } from '@clientele/contracts/imports/import'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { JobFiles } from '../jobs/job-files.ts'
import { type ClaimedJob, JobFailure } from '../jobs/job-kind.ts'
import { readRows } from '../tables/reader.ts'
import { FileError, type ReadPosition, type Row } from '../tables/row.ts'
import { createMapper, type Mapping } from './columns/mapping.ts'
import { type ErrorFileState, type FailedRow, rowErrors } from './error-file.ts'
import { findFormulaErrors } from './formula-errors.ts'
import type { ImportRow } from './import.list.ts'
import { type AnyTarget, type RowOutcome, type RowProblem, type RowResult, zeroCounts } from './import-target.ts'
import { readFileFrom } from './received-file.ts'

/**
 * The state of a dry run or commit: the position to continue reading from, the error file, and the number of errors that the import
 * itself shows.
 */
export type ImportState = { from?: ReadPosition; errors?: ErrorFileState | undefined; shown: number }

/**
 * Checked rows. `problems` has one entry per row, undefined if the row is valid. `inputs` has only the valid rows, in the
 * target's form. `end` is the position at which the next batch begins.
 */
export type Batch = {
  rows: Row[]
  inputs: unknown[]
  problems: (readonly RowProblem[] | undefined)[]
  end: ReadPosition
}

const defaultBatchRows = 2_000
const rowsPerTurn = 50

const checkRow = (row: Row, target: AnyTarget, options: ImportRow, map: ReturnType<typeof createMapper>) => {
  if (row.error) return { problems: [{ code: row.error.code, message: row.error.message }] }
  const values = map(row.values)
  const problems = findFormulaErrors(values)
  return problems.length > 0 ? { problems } : target.check(values, options)
}

/**
 * Reads and checks the rows of a file in batches. The next batch is read while the caller writes the current one.
 * @throws JobFailure if the rest of the file cannot be read
 */
export async function* readCheckedRows(
  files: JobFiles,
  row: ImportRow,
  target: AnyTarget,
  from: ReadPosition | undefined,
  batchRows = defaultBatchRows,
): AsyncGenerator<Batch, void, void> {
  if (row.fileId === null) throw new JobFailure('file_gone', 'the file has expired; upload it again')
  const source = readFileFrom(files, row.fileId, from?.byte)
  const rows = readRows(source, row.format, { from, dotted: true, limits: { batchRows } })
  const { mapping, columns, format } = row
  const map = createMapper({ target, mapping, columns, hasOpenKeys: format.format !== 'csv' })
  const next = async (): Promise<Batch | undefined> => {
    await nextTurn()
    const { value, done } = await rows.next()
    if (done) return undefined
    const last = value.at(-1)
    if (!last) return next()
    const batch: Batch = { rows: value, inputs: [], problems: [], end: last.end }
    for (const [index, each] of value.entries()) {
      // Lets the event loop handle database responses while a batch is checked.
      if (index % rowsPerTurn === 0) await nextTurn()
      const checked = checkRow(each, target, row, map)
      batch.problems.push('problems' in checked ? checked.problems : undefined)
      if ('input' in checked) batch.inputs.push(checked.input)
    }
    return batch
  }
  const startReading = () => {
    const promise = next()
    promise.catch(() => {})
    return promise
  }
  try {
    for (let pending = startReading(); ; ) {
      const batch = await pending
      if (!batch) return
      pending = startReading()
      yield batch
    }
  } catch (error) {
    throw error instanceof FileError ? new JobFailure(error.code, error.message) : error
  } finally {
    await rows.return(undefined)
  }
}

/** A row of a batch with its result. A row that failed has `problems`; a valid one has `input`. */
export type RowWithResult = {
  row: Row
  input?: unknown
  outcome: RowOutcome
  problems?: readonly RowProblem[] | undefined
}

/** Returns each row of a batch with its result. @param results those of the valid rows */
export const pairResults = (batch: Batch, results: readonly RowResult[]): RowWithResult[] => {
  let valid = 0
  return batch.rows.map((row, index) => {
    const problems = batch.problems[index]
    if (problems) return { row, outcome: 'failed', problems }
    const input = batch.inputs[valid]
    const result = results[valid++]
    return result?.outcome === 'failed'
      ? { row, input, outcome: 'failed', problems: result.problems }
      : { row, input, outcome: result?.outcome ?? 'failed' }
  })
}

/** Adds the results of a batch. @returns the new counts and the rows that failed */
export const countResults = (
  before: ImportCounts,
  batch: Batch,
  results: readonly RowResult[],
): { counts: ImportCounts; failed: FailedRow[] } => {
  const counts = { ...before }
  const failed: FailedRow[] = []
  for (const { row, outcome, problems } of pairResults(batch, results)) {
    counts.read += 1
    counts[outcome] += 1
    if (problems) failed.push({ number: row.number, values: row.values ?? {}, raw: row.raw, problems })
  }
  return { counts, failed }
}

/** Converts the owner of a job to the actor of its changes. */
export const actorOf = ({ owner }: ClaimedJob): Actor => ({ ...owner, roles: [], token: '' })

/** Completes counts with zeros. */
export const countsOf = (counts: Partial<ImportCounts>): ImportCounts => ({ ...zeroCounts(), ...counts })

/** Returns the errors to add to the import, which shows `shown` errors already and at most `max`. */
export const errorsToShow = (failed: readonly FailedRow[], mapping: Mapping, shown: number, max: number) =>
  failed.flatMap((row) => rowErrors(row, mapping)).slice(0, Math.max(max - shown, 0))

/** Returns the fraction of the file that has been read. */
export const progressOf = (end: ReadPosition, { bytes }: ImportRow): number =>
  bytes === 0 ? 1 : Math.min(end.byte / bytes, 1)
