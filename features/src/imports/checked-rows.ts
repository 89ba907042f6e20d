import { setImmediate as later } from 'node:timers/promises'
import type { ImportCounts } from '@clientele/contracts/import'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { JobFiles } from '../jobs/job-files.ts'
import { type ClaimedJob, JobFailure } from '../jobs/job-kind.ts'
import { readRows } from '../tables/reader.ts'
import { FileFault, type ReadPosition, type Row } from '../tables/row.ts'
import { type ErrorsState, type Refused, rowErrors } from './error-file.ts'
import type { ImportRow } from './import.list.ts'
import { type AnyTarget, noCounts, type RowProblem, type RowResult } from './import-target.ts'
import { mapper } from './mapping.ts'
import { readFileFrom } from './received-file.ts'

/** Where an import goes on, and what it has written down of errors. */
export type ImportState = { from?: ReadPosition; errors?: ErrorsState | undefined; shown: number }

/** Rows that were checked, with those that were refused by that; `end` is where the next batch begins. */
export type Batch = {
  rows: Row[]
  inputs: unknown[]
  problems: (readonly RowProblem[] | undefined)[]
  end: ReadPosition
}

const batchRows = 2_000
const checkedAtOnce = 50

const check = (row: Row, target: AnyTarget, taking: ImportRow, map: ReturnType<typeof mapper>) => {
  if (row.fault) return { problems: [{ code: row.fault.code, message: row.fault.message }] }
  return target.check(map(row.values), { matchBy: taking.matchBy, onMatch: taking.onMatch })
}

/**
 * The rows of a file from a place on, checked. The next batch is read and checked while the caller waits for the database.
 * @throws JobFailure where the file cannot be read any further
 */
export async function* checkedRows(
  files: JobFiles,
  row: ImportRow,
  target: AnyTarget,
  from: ReadPosition | undefined,
): AsyncGenerator<Batch, void, void> {
  if (row.fileId === null) throw new JobFailure('file_gone', 'the file has expired: send it again')
  const source = readFileFrom(files, row.fileId, from?.byte)
  const rows = readRows(source, row.format, { from, dotted: true, limits: { batchRows } })
  const { mapping, columns, format } = row
  const map = mapper({ target, mapping, columns, isOpen: format.format !== 'csv' })
  const next = async (): Promise<Batch | undefined> => {
    await later()
    const { value, done } = await rows.next()
    if (done) return undefined
    const last = value.at(-1)
    if (!last) return next()
    const batch: Batch = { rows: value, inputs: [], problems: [], end: last.end }
    for (const [index, each] of value.entries()) {
      // Answers of the database are not to wait for a whole batch to be checked.
      if (index % checkedAtOnce === 0) await later()
      const checked = check(each, target, row, map)
      batch.problems.push('problems' in checked ? checked.problems : undefined)
      if ('input' in checked) batch.inputs.push(checked.input)
    }
    return batch
  }
  const begin = () => {
    const promise = next()
    promise.catch(() => {})
    return promise
  }
  try {
    for (let ahead = begin(); ; ) {
      const batch = await ahead
      if (!batch) return
      ahead = begin()
      yield batch
    }
  } catch (error) {
    if (!(error instanceof FileFault)) throw error
    const { row: at } = error.place
    throw new JobFailure(error.code, `the file ${error.message}${at === undefined ? '' : ` (row ${at})`}`)
  } finally {
    await rows.return(undefined)
  }
}

/** Adds what became of a batch. @returns the new counts and the rows that were not taken */
export const tally = (
  before: ImportCounts,
  batch: Batch,
  results: readonly RowResult[],
): { counts: ImportCounts; refused: Refused[] } => {
  const counts = { ...before }
  const refused: Refused[] = []
  let at = 0
  for (const [index, row] of batch.rows.entries()) {
    const result = batch.problems[index] ? undefined : results[at++]
    const problems = batch.problems[index] ?? (result?.outcome === 'failed' ? result.problems : undefined)
    counts.read += 1
    counts[result?.outcome ?? 'failed'] += 1
    if (problems) refused.push({ number: row.number, values: row.values ?? {}, problems })
  }
  return { counts, refused }
}

/** Whoever began a job does its work. */
export const actorOf = ({ owner }: ClaimedJob): Actor => ({ ...owner, roles: [], token: '' })

export const countsOf = (counts: Partial<ImportCounts>): ImportCounts => ({ ...noCounts(), ...counts })

/** The first errors that are not shown yet. */
export const newErrors = (refused: readonly Refused[], shown: number, most: number) =>
  refused.flatMap(rowErrors).slice(0, Math.max(most - shown, 0))

export const progressOf = (end: ReadPosition, { bytes }: ImportRow): number =>
  bytes === 0 ? 1 : Math.min(end.byte / bytes, 1)
