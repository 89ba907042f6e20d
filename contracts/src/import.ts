import { z } from 'zod'
import { event } from './event.ts'
import { TableFormatName } from './export.ts'
import { ActorRef, booleanText, columnName, limitedRecord, line, time, uuid } from './fields.ts'
import { JobError } from './job.ts'

/** The treatment of a row that matches an existing resource: update the resource, skip the row, or fail the row. */
export const OnMatch = z.enum(['update', 'skip', 'fail']).meta({ id: 'OnMatch' })
export type OnMatch = z.infer<typeof OnMatch>

/**
 * `checking`: the dry run is in progress. `checked`: the import can be committed. `importing`: the commit is in progress.
 * `failed` and `cancelled`: the last dry run or commit ended early; rows that were already written stay.
 */
export const ImportStatus = z
  .enum(['checking', 'checked', 'importing', 'finished', 'failed', 'cancelled', 'undoing', 'undone'])
  .meta({ id: 'ImportStatus' })
export type ImportStatus = z.infer<typeof ImportStatus>

/** The formats of files that can be imported. */
const ImportedFormat = z.enum([...TableFormatName.options, 'vcard']).meta({ id: 'ImportedFormat' })

const matchByText = 'The match key: a row belongs to the record that has the same value of this field.'
const onMatchText = 'What to do with a row that belongs to an existing record.'

/** The field that each column is imported into. A column that is null or absent is not imported. */
export const ImportMapping = limitedRecord(
  1_000,
  'columns',
  z.record(columnName(1_000), columnName(200).nullable()),
).meta({
  example: { 'First name': 'name', Mail: 'email', Notes: null },
})
export type ImportMapping = z.infer<typeof ImportMapping>

const count = z.int().min(0)
/** Numbers of rows; `read` is the sum of the others. */
export const ImportCounts = z
  .object({ read: count, created: count, updated: count, skipped: count, failed: count })
  .meta({ id: 'ImportCounts' })
export type ImportCounts = z.infer<typeof ImportCounts>

/** An error of a row. Rows are numbered as in a spreadsheet: the header is row 1. */
export const ImportRowError = z
  .object({
    row: z.int().min(1),
    pointer: z.string().meta({
      example: '/email',
      description: 'A JSON pointer to the field; empty if the error is about the whole row.',
    }),
    code: z.string(),
    message: z.string(),
  })
  .meta({ id: 'ImportRowError' })
export type ImportRowError = z.infer<typeof ImportRowError>

export const Import = z
  .object({
    id: uuid,
    status: ImportStatus,
    name: z.string().nullable().meta({ example: 'customers.csv' }),
    format: ImportedFormat,
    delimiter: z.string().nullable(),
    encoding: z.string().meta({ example: 'utf-8' }),
    bytes: count.meta({ description: 'The size of the file after decompression, as UTF-8.' }),
    sha256: z.string().meta({ description: 'The SHA-256 of the file after decompression, as UTF-8, in hexadecimal.' }),
    columns: z.array(z.string()),
    mapping: z.record(z.string(), z.string()),
    unmapped: z.array(z.string()).meta({ description: 'The columns that are not imported.' }),
    matchBy: z.string().meta({ example: 'email', description: matchByText }),
    onMatch: OnMatch.meta({ description: onMatchText }),
    total: z
      .int()
      .min(0)
      .nullable()
      .meta({ description: 'The number of rows in the file; null until the dry run has finished.' }),
    counts: ImportCounts.meta({ description: 'The counts of the commit or, before the commit, of the dry run.' }),
    progress: z.number().min(0).max(1).nullable(),
    errors: z
      .array(ImportRowError)
      .meta({ description: 'The first 100 errors. The file at `errorsUrl` has all of them.' }),
    errorsUrl: z.string().nullable().meta({
      description:
        'The URL of the error file, which requires an access token. `POST` to the same URL with `-link` at its end creates a link that works without one.',
    }),
    error: JobError.nullable().meta({
      description:
        'Why the import as a whole failed, or was cancelled by the system. `owner_lost_access`: the user who ran it was disabled, deleted or lost the role `user`.',
    }),
    previousImportId: uuid.nullable().meta({ description: 'The id of an earlier import of the same content.' }),
    jobId: uuid.meta({ description: 'The id of the latest job of this import: its dry run, commit or undo.' }),
    createdAt: time,
    createdBy: ActorRef,
    finishedAt: time.nullable(),
    expiresAt: time,
  })
  .meta({ id: 'Import' })
export type Import = z.infer<typeof Import>

/** Options of an import: form fields, or query parameters if the body is the bare file. */
const options = {
  format: TableFormatName.optional().meta({
    description: 'The format of the file. Default: detected from the content.',
  }),
  delimiter: z
    .string()
    .regex(/^[\t !#-&(-/:-@[-`{-~]$/, 'must be a tab, a space or one ASCII punctuation mark other than a quote')
    .optional()
    .meta({ description: 'The character that separates the cells of CSV. Default: detected.' }),
  encoding: z
    .string()
    .max(50)
    .optional()
    .meta({ description: 'The character encoding, such as `windows-1252`. Default: detected.' }),
  header: booleanText
    .optional()
    .meta({ description: 'Whether the first row of a CSV file names the columns. Default: detected.' }),
  name: line(200).optional().meta({ description: 'The file name to show.' }),
  matchBy: z
    .string()
    .max(50)
    .optional()
    .meta({ description: `${matchByText} Default: \`email\` for customers, \`sku\` for products.` }),
  onMatch: OnMatch.optional().meta({ description: `${onMatchText} Default: \`update\`.` }),
  mapping: z.string().max(100_000).optional().meta({
    description:
      'A JSON object from columns to fields, such as `{"Mail":"email"}`. Default: suggested from the names of the columns.',
  }),
}
export const ImportOptions = z.strictObject(options).meta({ id: 'ImportOptions' })
export type ImportOptions = z.infer<typeof ImportOptions>

const file = z.string().meta({
  format: 'binary',
  description: 'A file in CSV, JSON or NDJSON, or for customers contacts (vCard). It may be compressed with gzip.',
})
/** The `multipart/form-data` body of POST. The field `encoding` must come before the file. */
export const ImportForm = z.strictObject({ ...options, file }).meta({ id: 'ImportForm' })
export const ImportFile = file

const choices = {
  mapping: ImportMapping.optional(),
  matchBy: z.string().max(50).optional().meta({ description: matchByText }),
  onMatch: OnMatch.optional().meta({ description: onMatchText }),
}
/** The body of PATCH. It changes the mapping, the match key or the treatment of matching rows, and the dry run is repeated. */
export const ImportPatch = z.strictObject(choices).meta({ id: 'ImportPatch' })
export type ImportPatch = z.infer<typeof ImportPatch>
/** The body of POST `/commit`. It can change the choices a last time. Each row is checked again when it is written. */
export const ImportCommit = z
  .strictObject({
    ...choices,
    again: z.boolean().optional().meta({
      description: 'Whether to import the file even if the same content was imported before. Default: false.',
    }),
  })
  .meta({ id: 'ImportCommit' })
export type ImportCommit = z.infer<typeof ImportCommit>

/** Published when the commit of an import ends. */
export const importFinished = event(
  'import.finished.v1',
  z.object({
    id: uuid,
    entity: z.string().meta({ example: 'customers' }),
    status: z.enum(['finished', 'failed', 'cancelled']),
    counts: ImportCounts,
    error: JobError.nullable(),
    createdAt: time,
    createdBy: ActorRef,
  }),
)
