import { z } from 'zod'
import { TableFormatName } from '../export.ts'
import { booleanText, columnName, documentedAs, limitedRecord, line } from '../fields.ts'

/** The treatment of a row that matches an existing resource: update the resource, skip the row, or fail the row. */
export const OnMatch = z.enum(['update', 'skip', 'fail']).meta({ id: 'OnMatch' })
export type OnMatch = z.infer<typeof OnMatch>

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

/** Options that say how values are read. */
export const valueOptions = {
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

/** Descriptions that an import and its options share. */
export const matchByText = 'The match key: a row belongs to the record that has the same value of this field.'
export const onMatchText = 'What to do with a row that belongs to an existing record.'

/** The field that each column is imported into. A column that is null or absent is not imported. */
export const ImportMapping = limitedRecord(
  1_000,
  'columns',
  z.record(columnName(1_000), columnName(200).nullable()),
).meta({
  example: { 'First name': 'name', Mail: 'email', Notes: null },
})
export type ImportMapping = z.infer<typeof ImportMapping>

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
/**
 * The body of PATCH. It changes the preset, the mapping, the match key, the treatment of matching rows or how values are read, and the
 * dry run is repeated.
 */
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
