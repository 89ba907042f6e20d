import { Formulas, TableFormatName } from '@clientele/contracts/export'
import type { List } from '@clientele/platform/lists/list'
import { z } from 'zod'
import type { WriteOptions } from '../tables/writer.ts'

/**
 * The fields of an export in their order. A field that is an object lists the properties to write in CSV:
 * `address: ['city']` is the column `address.city`. Any other field has an empty list: `name: []` is the column `name`.
 */
export type ExportFields = Record<string, readonly string[]>

/** The properties of an actor to export, for example as the columns `createdBy.displayName` and `createdBy.id`. */
export const actorParts = ['displayName', 'id'] as const

/** Creates fields without properties, except for `createdBy` and `updatedBy`, which have {@link actorParts}. */
export const exportFieldsOf = (names: readonly string[]): ExportFields =>
  Object.fromEntries(names.map((name) => [name, name === 'createdBy' || name === 'updatedBy' ? actorParts : []]))

/** Creates the schema of the request body that starts an export. @param id name of the schema in OpenAPI */
export const exportBody = <Row extends object>(id: string, list: List<Row>, fields: ExportFields) =>
  z
    .strictObject({
      format: TableFormatName.default('csv').meta({ description: 'The format of the file. Default: `csv`.' }),
      filter: list.selection
        .optional()
        .meta({ description: 'The query parameters of the list, except those of paging.' }),
      fields: z
        .array(z.enum(Object.keys(fields)))
        .min(1)
        .max(100)
        .refine((names) => new Set(names).size === names.length, 'must not name a field twice')
        .optional()
        .meta({ description: 'The fields to export, in this order. Default: all fields.' }),
      gzip: z.boolean().default(false).meta({
        description: 'Whether to compress the file. XLSX is compressed in any case. Default: false.',
      }),
      delimiter: z
        .enum([',', ';', '\t', '|'])
        .default(',')
        .meta({
          description: 'The character that separates the cells of CSV. Default: a comma.',
          // Generators would name a constant by its value.
          'x-enum-varnames': ['Comma', 'Semicolon', 'Tab', 'Pipe'],
        }),
      bom: z
        .boolean()
        .default(false)
        .meta({ description: 'Whether CSV begins with a byte order mark, which Excel needs. Default: false.' }),
      formulas: Formulas.default('escape').meta({
        description:
          'What happens in CSV to texts that a spreadsheet would run as formulas, telephone numbers with + included. `escape` puts an apostrophe in front. `keep` writes them as they are, for programs only: the texts of customers then run in a spreadsheet. Default: `escape`.',
      }),
    })
    .meta({ id })

/** The input of an export job. */
export type ExportInput = {
  format: TableFormatName
  filter?: Record<string, unknown> | undefined
  fields?: string[] | undefined
  gzip: boolean
  delimiter: string
  bom: boolean
  /** Jobs that were started by an earlier release have none. */
  formulas?: Formulas | undefined
}

type Values = Record<string, unknown>

/**
 * Creates the options of the table writer, and `valuesOf`, which selects the requested fields of a row in their order. In CSV and
 * XLSX, an object becomes one column per property.
 * @param sheet the name of the sheet in XLSX
 * @param numbers the fields whose texts are decimal numbers, which become numbers in XLSX
 */
export const exportLayout = (
  { format, fields: chosen, gzip, delimiter, bom, formulas = 'escape' }: ExportInput,
  fields: ExportFields,
  { sheet, numbers = [] }: { sheet: string; numbers?: readonly string[] | undefined },
): { options: WriteOptions & { gzip: boolean }; valuesOf(row: Values): Values } => {
  const names = chosen ?? Object.keys(fields)
  if (format === 'json' || format === 'ndjson')
    return {
      options: { format, columns: names, gzip },
      valuesOf: (row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null])),
    }
  const columns = names.flatMap((name): [column: string, name: string, part?: string][] => {
    const parts = fields[name] ?? []
    return parts.length === 0 ? [[name, name]] : parts.map((part) => [`${name}.${part}`, name, part])
  })
  const header = columns.map(([column]) => column)
  return {
    // A workbook is compressed already.
    options:
      format === 'xlsx'
        ? { format, columns: header, name: sheet, numbers, gzip: false }
        : { format, columns: header, gzip, delimiter, bom, formulas },
    valuesOf: (row) => {
      const values: Values = {}
      for (const [column, name, part] of columns)
        values[column] = part === undefined ? row[name] : (row[name] as Values | null)?.[part]
      return values
    },
  }
}
