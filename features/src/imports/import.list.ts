import {
  type EncodingSource,
  type Import,
  type ImportCounts,
  type ImportRowError,
  ImportStatus,
  type ImportWarning,
} from '@clientele/contracts/imports/import'
import type { DecimalMark, ImportPreset, OnMatch, TagsMode } from '@clientele/contracts/imports/import-options'
import type { JobError } from '@clientele/contracts/job'
import { list, oneOf, time, userId } from '@clientele/platform/lists/list'
import type { TableFormat } from '../tables/row.ts'
import { inColumnOrder, type Mapping, mappedField } from './columns/mapping.ts'
import { zeroCounts } from './import-target.ts'

/** A row of the view `import_overview`: an import with the status and counts of its latest job. */
export type ImportRow = {
  id: string
  entity: string
  fileId: string | null
  name: string | null
  format: TableFormat
  encoding: string
  encodingBy: EncodingSource
  bytes: number
  sha256: string
  columns: string[]
  mapping: Mapping
  matchBy: string
  onMatch: OnMatch
  country: string | null
  decimal: DecimalMark
  tags: TagsMode
  preset: ImportPreset | null
  warnings: ImportWarning[]
  errors: ImportRowError[]
  total: number | null
  previousImport: string | null
  checkJob: string
  commitJob: string | null
  undoJob: string | null
  createdAt: Date
  createdBy: string
  createdByName: string
  expiresAt: Date
  jobId: string
  counts: Partial<ImportCounts>
  progress: number | null
  error: JobError | null
  errorsFile: string | null
  finishedAt: Date | null
  status: ImportStatus
}

const columns = [
  'id',
  'entity',
  'fileId',
  'name',
  'format',
  'encoding',
  'encodingBy',
  'bytes',
  'sha256',
  'columns',
  'mapping',
  'matchBy',
  'onMatch',
  'country',
  'decimal',
  'tags',
  'preset',
  'warnings',
  'errors',
  'total',
  'previousImport',
  'checkJob',
  'commitJob',
  'undoJob',
  'createdAt',
  'createdBy',
  'createdByName',
  'expiresAt',
  'jobId',
  'counts',
  'progress',
  'error',
  'errorsFile',
  'finishedAt',
  'status',
]

export const importList = list<ImportRow>({
  table: 'import_overview',
  columns,
  sort: ['createdAt'],
  defaultSort: '-createdAt',
  filter: { status: oneOf(ImportStatus), createdBy: userId(), createdAt: time() },
})

/** Whether no job of the import is waiting or running. */
const isDone = (status: ImportStatus): boolean =>
  ['checked', 'finished', 'failed', 'cancelled', 'undone'].includes(status)

/** The format of the file as it was sent. */
const presentFormat = (format: TableFormat): Pick<Import, 'format' | 'delimiter' | 'sheet' | 'sheets'> => {
  if (format.format !== 'csv') {
    const sent = format.format === 'ndjson' ? format.source : undefined
    return { format: sent ?? format.format, delimiter: null, sheet: null, sheets: [] }
  }
  return format.source
    ? { format: format.source, delimiter: null, sheet: format.sheet ?? null, sheets: format.sheets ?? [] }
    : { format: 'csv', delimiter: format.delimiter, sheet: null, sheets: [] }
}

/** Converts an import for responses. @param urlOf returns the URL of a job's file */
export const presentImport = (row: ImportRow, urlOf: (jobId: string, file: 'errors') => string): Import => ({
  id: row.id,
  status: row.status,
  name: row.name,
  ...presentFormat(row.format),
  encoding: row.encoding,
  encodingBy: row.encodingBy,
  headerRow: row.format.format === 'csv' ? (row.format.headerRow ?? null) : null,
  bytes: row.bytes,
  sha256: row.sha256,
  columns: row.columns,
  preset: row.preset,
  mapping: inColumnOrder(row.mapping, row.columns),
  unmapped: row.columns.filter((column) => mappedField(row.mapping, column) === undefined),
  matchBy: row.matchBy,
  onMatch: row.onMatch,
  country: row.country,
  decimal: row.decimal,
  tags: row.tags,
  warnings: row.warnings,
  total: row.total,
  counts: { ...zeroCounts(), ...row.counts },
  progress: row.progress,
  errors: row.errors,
  errorsUrl: row.errorsFile !== null && isDone(row.status) ? urlOf(row.jobId, 'errors') : null,
  error: isDone(row.status) ? row.error : null,
  previousImportId: row.previousImport,
  jobId: row.jobId,
  createdAt: row.createdAt.toISOString(),
  createdBy: { id: row.createdBy, displayName: row.createdByName },
  finishedAt: row.finishedAt?.toISOString() ?? null,
  expiresAt: row.expiresAt.toISOString(),
})
