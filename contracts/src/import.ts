import { z } from 'zod'
import { event } from './event.ts'
import { TableFormatName } from './export.ts'
import { ActorRef, booleanText, columnName, documentedAs, limitedRecord, line, time, uuid } from './fields.ts'
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

/**
 * How the character encoding of a file was determined. `declared`: the upload says so. `mark`: by a byte order mark. `valid`: the
 * file is valid UTF-8 or UTF-16. `guess`: by the letters in it, which can be wrong.
 */
export const EncodingSource = z.enum(['declared', 'mark', 'valid', 'guess']).meta({ id: 'EncodingSource' })
export type EncodingSource = z.infer<typeof EncodingSource>

/** Which character separates decimals: `1.50` or `1,50`. */
export const DecimalMark = z.enum(['point', 'comma']).meta({ id: 'DecimalMark' })
export type DecimalMark = z.infer<typeof DecimalMark>

/** Whether the tags of a row replace those of an existing customer or are added to them. */
export const TagsMode = z.enum(['replace', 'add']).meta({ id: 'TagsMode' })
export type TagsMode = z.infer<typeof TagsMode>

/** The programs whose exports of customers are recognised. `woocommerce` includes its reports, `salesforce` its Data Loader. */
export const ImportPreset = z
  .enum([
    'bigcommerce',
    'brevo',
    'google-contacts',
    'hubspot',
    'klaviyo',
    'magento',
    'mailchimp',
    'outlook',
    'pipedrive',
    'prestashop',
    'quickbooks',
    'salesforce',
    'shopify',
    'square',
    'stripe',
    'thunderbird',
    'wix',
    'woocommerce',
    'xero',
    'zoho',
  ])
  .meta({ id: 'ImportPreset' })
export type ImportPreset = z.infer<typeof ImportPreset>

const preset = z
  .enum([...ImportPreset.options, 'none'])
  .meta({ id: 'ImportPresetChoice' })
  .optional()
  .meta({
    description:
      'The program that exported the customers, by which the mapping is suggested; `none` for none. Default: recognised by the columns.',
  })

const valueOptions = {
  country: z
    .string()
    .toUpperCase()
    .regex(/^[A-Z]{2}$/, 'must be an ISO 3166-1 alpha-2 code')
    .optional()
    .meta({
      example: 'DE',
      description:
        'The country of telephone numbers without a country code, for rows that have no country of their own. Default: that of the shop.',
    }),
  decimal: DecimalMark.optional().meta({
    description: 'The decimal mark of numbers in text. The other one separates thousands. Default: `point`.',
  }),
  tags: TagsMode.optional().meta({
    description: 'Whether the tags of a row replace those of an existing customer or are added. Default: `replace`.',
  }),
}
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
  sheet: line(100).optional().meta({
    description:
      'The name of the sheet of a workbook, or its number from 1. Default: the first one that is not hidden.',
  }),
  header: booleanText.optional().meta({
    description:
      'Whether the first row of a CSV file or a sheet, after the rows to `skip`, names the columns. Default: detected.',
  }),
  skip: z
    .string()
    .regex(/^\d{1,3}$/, 'must be a number of rows from 0 to 999')
    .optional()
    .meta(
      documentedAs({
        type: 'integer',
        minimum: 0,
        maximum: 999,
        description:
          'The number of rows above the table in a CSV file or a sheet, such as the title of a report. Default: detected.',
      }),
    ),
  name: line(200).optional().meta({ description: 'The file name to show.' }),
  matchBy: z
    .string()
    .max(50)
    .optional()
    .meta({
      description: `${matchByText} Default: \`id\` or \`code\` if all values of such a column are ours in form; otherwise \`email\` for customers, \`sku\` for products.`,
    }),
  onMatch: OnMatch.optional().meta({ description: `${onMatchText} Default: \`update\`.` }),
  ...valueOptions,
  preset,
  mapping: z.string().max(100_000).optional().meta({
    description:
      'A JSON object from columns to fields, such as `{"Mail":"email"}`. Default: suggested from the names of the columns.',
  }),
}
export const ImportOptions = z.strictObject(options).meta({ id: 'ImportOptions' })
export type ImportOptions = z.infer<typeof ImportOptions>

const file = z.string().meta({
  format: 'binary',
  description:
    'A file in CSV, JSON, NDJSON or XLSX, or for customers contacts (vCard). It may be compressed with gzip, or be the only table of a ZIP archive.',
})
/** The `multipart/form-data` body of POST. The fields `encoding` and `sheet` must come before the file. */
export const ImportForm = z.strictObject({ ...options, file }).meta({ id: 'ImportForm' })
export const ImportFile = file

const choices = {
  mapping: ImportMapping.optional(),
  matchBy: z.string().max(50).optional().meta({ description: matchByText }),
  onMatch: OnMatch.optional().meta({ description: onMatchText }),
  ...valueOptions,
  preset: preset.meta({
    description:
      'The program that exported the customers; `none` for none. The mapping is suggested again by it, unless there is a `mapping` here.',
  }),
}
/** The body of PATCH. It changes the preset, the mapping, the match key, the treatment of matching rows or how values are read, and the dry run is repeated. */
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
