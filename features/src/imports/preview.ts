import type { ImportPreview } from '@clientele/contracts/imports/import'
import { Problem } from '@clientele/platform/runtime/problem'
import type { JobFiles } from '../jobs/job-files.ts'
import { JobFailure } from '../jobs/job-kind.ts'
import { type Batch, pairResults, readCheckedRows } from './checked-rows.ts'
import { rowErrors } from './error-file.ts'
import type { ImportRow } from './import.list.ts'
import type { AnyTarget } from './import-target.ts'

const previewedRows = 20

const readFirstRows = async (files: JobFiles, target: AnyTarget, row: ImportRow): Promise<Batch | undefined> => {
  const batches = readCheckedRows(files, row, target, undefined, previewedRows)
  try {
    return (await batches.next()).value ?? undefined
  } catch (error) {
    throw error instanceof JobFailure ? new Problem('invalid_state', { detail: error.message }) : error
  } finally {
    await batches.return()
  }
}

/**
 * Reads the first rows of an import, with the values that they would set and the results that a commit would have now.
 * @throws Problem 409 if the file has expired or cannot be read
 */
export const previewRows = async (files: JobFiles, target: AnyTarget, row: ImportRow): Promise<ImportPreview> => {
  const batch = await readFirstRows(files, target, row)
  if (!batch) return { rows: [] }
  const results = await target.preview(batch.inputs, row, new Map())
  const rows = pairResults(batch, results).map(({ row: { number }, input, outcome, problems = [] }) => ({
    row: number,
    outcome,
    values: input === undefined ? {} : target.show(input),
    errors: rowErrors({ number, values: {}, problems }, row.mapping),
  }))
  return { rows }
}
