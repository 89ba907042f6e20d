import type { ImportOptions } from '@clientele/contracts/imports/import-options'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import { type DetectedTable, type DetectOptions, detectTable } from '../tables/format-detection.ts'
import { FileError } from '../tables/row.ts'
import type { WorkbookInfo } from '../tables/workbook/workbook-text.ts'

/** @throws Problem 422 if the options are those of a workbook and the file is none */
export const assertWorkbookOptions = (workbook: WorkbookInfo | undefined, { format, sheet }: ImportOptions): void => {
  if (workbook) return
  if (format === 'xlsx') throw fieldProblem('/file', 'unknown_format', 'must be an Excel workbook, as its format says')
  if (sheet !== undefined)
    throw fieldProblem('/sheet', 'unknown_sheet', 'must be left out, because the file is no workbook')
}

const otherSheets = ({ sheet, sheets }: WorkbookInfo): string => {
  const others = sheets.filter((name) => name !== sheet).map((name) => JSON.stringify(name))
  return others.length === 0 ? '' : `; the others are ${others.slice(0, 20).join(', ')}`
}

/**
 * Detects the columns of a sheet, which was converted to CSV.
 * @throws FileError if it has no cells
 */
export const detectSheet = (
  sample: Buffer,
  isWhole: boolean,
  options: DetectOptions,
  workbook: WorkbookInfo,
): DetectedTable => {
  if (isWhole && !/[^\s]/.test(sample.toString('latin1')))
    throw new FileError('no_columns', `the sheet ${JSON.stringify(workbook.sheet)} is empty${otherSheets(workbook)}`)
  const detected = detectTable(sample, isWhole, { ...options, format: 'csv', delimiter: ',', quote: '"' })
  const { format } = detected
  return { ...detected, format: format.format === 'csv' ? { ...format, source: 'xlsx', ...workbook } : format }
}
