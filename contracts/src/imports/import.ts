import { z } from 'zod'
import { event } from '../event.ts'
import { TableFormatName } from '../export.ts'
import { ActorRef, time, uuid } from '../fields.ts'
import { JobError } from '../job.ts'
import {
  DecimalMark,
  ImportPreset,
  matchByText,
  OnMatch,
  onMatchText,
  TagsMode,
  valueOptions,
} from './import-options.ts'

/**
 * `checking`: the dry run is in progress. `checked`: the import can be committed. `importing`: the commit is in progress.
 * `failed` and `cancelled`: the last dry run or commit ended early; rows that were already written stay.
 */
export const ImportStatus = z
  .enum(['checking', 'checked', 'importing', 'finished', 'failed', 'cancelled', 'undoing', 'undone'])
  .meta({ id: 'ImportStatus' })
export type ImportStatus = z.infer<typeof ImportStatus>

/**
 * How the character encoding of a file was determined. `declared`: the upload says so. `mark`: by a byte order mark. `valid`: the
 * file is valid UTF-8 or UTF-16. `guess`: by the letters in it, which can be wrong.
 */
export const EncodingSource = z.enum(['declared', 'mark', 'valid', 'guess']).meta({ id: 'EncodingSource' })
export type EncodingSource = z.infer<typeof EncodingSource>

/** The formats of files that can be imported. */
const ImportedFormat = z.enum([...TableFormatName.options, 'vcard']).meta({ id: 'ImportedFormat' })

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

/** Something to look at before the commit. */
export const ImportWarning = z
  .object({
    code: z.string().meta({ example: 'encoding_guessed' }),
    column: z.string().nullable().meta({ description: 'The column that the warning is about.' }),
    message: z.string(),
  })
  .meta({ id: 'ImportWarning' })
export type ImportWarning = z.infer<typeof ImportWarning>

export const Import = z
  .object({
    id: uuid,
    status: ImportStatus,
    name: z.string().nullable().meta({ example: 'customers.csv' }),
    format: ImportedFormat,
    delimiter: z.string().nullable(),
    sheet: z.string().nullable().meta({
      example: 'Customers',
      description: 'The name of the sheet that was read, if the file is a workbook.',
    }),
    sheets: z
      .array(z.string())
      .meta({ description: 'The names of all sheets of the workbook, in the order of their tabs.' }),
    encoding: z.string().meta({ example: 'utf-8' }),
    encodingBy: EncodingSource,
    headerRow: z
      .int()
      .min(1)
      .nullable()
      .meta({ description: 'The number of the row that names the columns; null if there is none, and for JSON.' }),
    bytes: count.meta({ description: 'The size of the file after decompression, as UTF-8.' }),
    sha256: z.string().meta({ description: 'The SHA-256 of the file after decompression, as UTF-8, in hexadecimal.' }),
    columns: z.array(z.string()),
    preset: ImportPreset.nullable().meta({
      description:
        'The program whose export the columns are, by which the mapping was suggested; null if none was recognised, and for products.',
    }),
    mapping: z.record(z.string(), z.string()),
    unmapped: z.array(z.string()).meta({ description: 'The columns that are not imported.' }),
    matchBy: z.string().meta({ example: 'email', description: matchByText }),
    onMatch: OnMatch.meta({ description: onMatchText }),
    country: valueOptions.country.unwrap().nullable(),
    decimal: DecimalMark,
    tags: TagsMode,
    warnings: z.array(ImportWarning).max(50).meta({ description: 'What to look at before the commit.' }),
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

/** The first rows of an import as the dry run sees them. */
export const ImportPreview = z
  .object({
    rows: z
      .array(
        z.object({
          row: z.int().min(1),
          outcome: z.enum(['created', 'updated', 'skipped', 'failed']),
          values: z
            .record(z.string(), z.unknown())
            .meta({ description: 'The fields that the row sets, as a request would; empty if the row is not valid.' }),
          errors: z.array(ImportRowError),
        }),
      )
      .max(20),
  })
  .meta({ id: 'ImportPreview' })
export type ImportPreview = z.infer<typeof ImportPreview>

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
