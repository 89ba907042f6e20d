import { createHash, type Hash } from 'node:crypto'
import type { ImportRowError } from '@clientele/contracts/import'
import type { Tx } from '@clientele/platform/data/db'
import type { JobFiles } from '../jobs/job-files.ts'
import type { TableFormat } from '../tables/row.ts'
import { type TableEncoder, tableEncoder } from '../tables/writer.ts'
import type { RowProblem } from './import-target.ts'

/** What stands in a job's state of its file of errors. */
export type ErrorsState = { file: string; position: number; rows: number }
/** A row that was not taken: its values as they came, and why. */
export type Refused = { number?: number; values: Record<string, unknown>; problems: readonly RowProblem[] }

/** So many are shown without the file. */
export const firstErrors = 100
const extensions = { csv: 'csv', json: 'json', ndjson: 'ndjson' }
const own = ['row', 'field', 'reason']

/** Errors as the API shows them. */
export const rowErrors = ({ number, problems }: Refused): ImportRowError[] =>
  problems.map(({ field, code, message }) => ({
    row: number ?? 0,
    pointer: field === undefined ? '' : `/${field.replaceAll('.', '/')}`,
    code,
    message,
  }))

const line = ({ number, values, problems }: Refused): Record<string, unknown> => ({
  ...values,
  ...(number !== undefined && { row: number }),
  field: [...new Set(problems.flatMap(({ field }) => field ?? []))].join(' '),
  reason: problems.map(({ field, message }) => (field === undefined ? message : `${field} ${message}`)).join('; '),
})

type ErrorFileOptions = {
  format: TableFormat
  columns: readonly string[]
  keepHours: number
  /** Whether what is refused are rows of a file. */
  numbered?: boolean
}

/**
 * Writes what was not taken into a file of the input's own format: the columns as they came with `row`, `field` and `reason`, so
 * that it can be mended and imported again. Each batch is a chunk in its own transaction.
 */
export const createErrorFile = (files: JobFiles, { format, columns, keepHours, numbered = true }: ErrorFileOptions) => {
  const added = numbered ? own : own.slice(1)
  const encoder: TableEncoder = tableEncoder({
    format: format.format,
    columns: [...columns.filter((column) => !added.includes(column)), ...added],
    ...(format.format === 'csv' && { delimiter: format.delimiter }),
  })
  return {
    append: async (
      refused: readonly Refused[],
      state: ErrorsState | undefined,
      tx: Tx,
    ): Promise<ErrorsState | undefined> => {
      if (refused.length === 0) return state
      const name = `errors.${extensions[format.format]}`
      const { file, position, rows } = state ?? {
        file: await files.create({ name, contentType: encoder.contentType, keepHours }, tx),
        position: 0,
        rows: 0,
      }
      const text = encoder.rows(refused.map(line), position === 0)
      await files.append(file, position, Buffer.from(position === 0 ? encoder.head + text : text), tx)
      return { file, position: position + 1, rows: rows + refused.length }
    },

    /** Ends the file; it can be read from then on. */
    seal: async ({ file, position }: ErrorsState, tx: Tx): Promise<void> => {
      const tail = Buffer.from(encoder.tail)
      if (tail.length > 0) await files.append(file, position, tail, tx)
      const hash: Hash = createHash('sha256')
      let bytes = 0
      for await (const chunk of files.read(file, 0, tx)) {
        hash.update(chunk)
        bytes += chunk.length
      }
      await files.seal(file, { bytes, sha256: hash.digest('hex'), keepHours }, tx)
    },
  }
}
