import { createHash, type Hash } from 'node:crypto'
import type { ImportRowError } from '@clientele/contracts/imports/import'
import type { Tx } from '@clientele/platform/data/db'
import type { JobFiles } from '../jobs/job-files.ts'
import { toBlocks } from '../tables/byte-window.ts'
import { readRows } from '../tables/reader.ts'
import type { CsvFormat, TableFormat } from '../tables/row.ts'
import { workbookType, writeWorkbook } from '../tables/workbook/workbook-writer.ts'
import { createTableEncoder, type TableEncoder } from '../tables/writer.ts'
import type { Mapping } from './columns/mapping.ts'
import type { RowProblem } from './import-target.ts'

/** The part of a job's state that describes its error file: its id, the position of the next chunk and the number of rows. */
export type ErrorFileState = { file: string; position: number; rows: number }
/**
 * A row that failed, with its number and its values in the imported file. `raw` is the text of a row that could not be cut into
 * values.
 */
export type FailedRow = {
  number?: number
  values: Record<string, unknown>
  raw?: string | undefined
  problems: readonly RowProblem[]
}

/** The maximum number of errors that the import itself shows. */
export const maxShownErrors = 100
const extensions = { csv: 'csv', json: 'json', ndjson: 'ndjson' }
const importColumns = ['row', 'field', 'reason', 'row_text']
const undoColumns = ['field', 'reason']
const maxRowBytes = 16 << 20
const blockBytes = 1 << 20
/** Behind all chunks of the rows that it is written from. */
const workbookPosition = 1_000_000

/**
 * Returns the column that is mapped to a field or, for a part of a field such as `tags.0`, to the field. Without one, returns
 * `field`.
 */
const columnOf = (field: string, mapping: Mapping): string =>
  Object.keys(mapping).find((column) => field === mapping[column] || field.startsWith(`${mapping[column]}.`)) ?? field

/** Describes a problem for users: `E-mail is required`. */
const describe = ({ field, message }: RowProblem, mapping: Mapping): string =>
  field === undefined ? message : `${columnOf(field, mapping)} ${message}`

/** Converts the problems of a row to the form of the API. */
export const rowErrors = ({ number, problems }: FailedRow, mapping: Mapping): ImportRowError[] =>
  problems.map((problem) => ({
    row: number ?? 0,
    pointer: problem.field === undefined ? '' : `/${problem.field.replaceAll('.', '/')}`,
    code: problem.code,
    message: describe(problem, mapping),
  }))

const errorRow = ({ number, values, raw, problems }: FailedRow, mapping: Mapping): Record<string, unknown> => ({
  ...values,
  ...(number !== undefined && { row: number }),
  field: [...new Set(problems.flatMap(({ field }) => field ?? []))].join(' '),
  reason: problems.map((problem) => describe(problem, mapping)).join('; '),
  ...(raw !== undefined && { row_text: raw }),
})

type ErrorFileOptions = {
  /** The user whose quota the file counts for. */
  ownerId: string
  format: TableFormat
  columns: readonly string[]
  keepHours: number
  /** The mapping of the import. With it, reasons name the column instead of the field. */
  mapping?: Mapping
  /** Whether the file has the columns `row` and `row_text`. Default true. */
  numbered?: boolean
}

/** The rows of an error file in CSV. */
async function* readErrorRows(
  text: AsyncIterable<Buffer>,
  columns: string[],
): AsyncGenerator<Record<string, unknown>[]> {
  const format: CsvFormat = { format: 'csv', delimiter: ',', quote: '"', newline: '\n', skipRows: 1, columns }
  const limits = { rowBytes: maxRowBytes, cellLength: maxRowBytes }
  for await (const rows of readRows(text, format, { limits }))
    yield rows.flatMap(({ values }) => (values ? [values] : []))
}

/**
 * Creates a writer of failed rows. The error file has the format and the columns of the imported file, then `row`, `field`,
 * `reason` and, for a row that could not be read, its text as `row_text`. Users can correct it and import it again. Each batch is appended in its transaction.
 */
export const createErrorFile = (
  files: JobFiles,
  { ownerId, format, columns, keepHours, mapping = {}, numbered = true }: ErrorFileOptions,
) => {
  const extraColumns = numbered ? importColumns : undoColumns
  const allColumns = [...columns.filter((column) => !extraColumns.includes(column)), ...extraColumns]
  const isWorkbook = format.format === 'csv' && format.source === 'xlsx'
  const encoder: TableEncoder = createTableEncoder({
    format: format.format,
    columns: allColumns,
    ...(format.format === 'csv' && { delimiter: format.delimiter }),
  })
  // A workbook cannot be continued after a crash, so its rows are collected as CSV, and it is written at the end.
  const convertToWorkbook = async (file: string, tx: Tx): Promise<void> => {
    const text = files.read(file, 0, tx)
    const workbook = writeWorkbook(readErrorRows(text, allColumns), { columns: allColumns, cutsLongTexts: true })
    let position = workbookPosition
    for await (const bytes of toBlocks(workbook, blockBytes))
      position = await files.appendForReaders(file, position, bytes, tx)
    await files.dropBefore(file, workbookPosition, tx)
  }
  return {
    /** Appends the failed rows of a batch. @returns the new state */
    append: async (
      failed: readonly FailedRow[],
      state: ErrorFileState | undefined,
      tx: Tx,
    ): Promise<ErrorFileState | undefined> => {
      if (failed.length === 0) return state
      const name = `errors.${isWorkbook ? 'xlsx' : extensions[format.format]}`
      const contentType = isWorkbook ? workbookType : encoder.contentType
      const { file, position, rows } = state ?? {
        file: await files.create({ name, contentType, keepHours, ownerId }, tx),
        position: 0,
        rows: 0,
      }
      const text = encoder.rows(
        failed.map((row) => errorRow(row, mapping)),
        position === 0,
      )
      const bytes = Buffer.from(position === 0 ? encoder.head + text : text)
      return { file, position: await files.appendForReaders(file, position, bytes, tx), rows: rows + failed.length }
    },

    /** Completes the file, so that it can be downloaded. */
    complete: async ({ file, position }: ErrorFileState, tx: Tx): Promise<void> => {
      const tail = Buffer.from(encoder.tail)
      if (tail.length > 0) await files.append(file, position, tail, tx)
      if (isWorkbook) await convertToWorkbook(file, tx)
      const hash: Hash = createHash('sha256')
      let bytes = 0
      for await (const chunk of files.read(file, 0, tx)) {
        hash.update(chunk)
        bytes += chunk.length
      }
      await files.complete(file, { bytes, sha256: hash.digest('hex'), keepHours }, tx)
    },
  }
}
