import { TableFormatName } from '@clientele/contracts/export'
import type { List } from '@clientele/platform/lists/list'
import { z } from 'zod'
import type { WriteOptions } from '../tables/writer.ts'

/**
 * The fields of what can be exported, in their order, each with its parts where it is an object: `address: ['city']` is the
 * column `address.city` in CSV. A field without parts is one column.
 */
export type ExportFields = Record<string, readonly string[]>

/** Who did something, as two columns. */
export const actorParts = ['displayName', 'id'] as const

/** The fields `names`, in their order; `createdBy` and `updatedBy` have {@link actorParts}. */
export const exportFieldsOf = (names: readonly string[]): ExportFields =>
  Object.fromEntries(names.map((name) => [name, name === 'createdBy' || name === 'updatedBy' ? actorParts : []]))

/** The body of a request for an export. `id` names it in the documentation. */
export const exportBody = <Row extends object>(id: string, list: List<Row>, fields: ExportFields) =>
  z
    .strictObject({
      format: TableFormatName.default('csv'),
      filter: list.selection.optional().meta({ description: 'as the parameters of the list, `q` and `sort` included' }),
      fields: z
        .array(z.enum(Object.keys(fields)))
        .min(1)
        .max(100)
        .refine((names) => new Set(names).size === names.length, 'must not name a field twice')
        .optional()
        .meta({ description: 'in this order; all without it' }),
      gzip: z.boolean().default(false),
      delimiter: z.enum([',', ';', '\t', '|']).default(',').meta({ description: 'between the cells of CSV' }),
      bom: z.boolean().default(false).meta({ description: 'a byte order mark before CSV, for Excel' }),
    })
    .meta({ id })

/** A request for an export, as it lies in the job. */
export type ExportInput = {
  format: TableFormatName
  filter?: Record<string, unknown> | undefined
  fields?: string[] | undefined
  gzip: boolean
  delimiter: string
  bom: boolean
}

type Values = Record<string, unknown>

/** How rows as the API shows them are written: chosen fields in their order, objects as columns in CSV. */
export const exportLayout = (
  { format, fields: chosen, gzip, delimiter, bom }: ExportInput,
  fields: ExportFields,
): { options: WriteOptions & { gzip: boolean }; valuesOf(row: Values): Values } => {
  const names = chosen ?? Object.keys(fields)
  if (format !== 'csv')
    return {
      options: { format, columns: names, gzip },
      valuesOf: (row) => Object.fromEntries(names.map((name) => [name, row[name] ?? null])),
    }
  const columns = names.flatMap((name): [column: string, name: string, part?: string][] => {
    const parts = fields[name] ?? []
    return parts.length === 0 ? [[name, name]] : parts.map((part) => [`${name}.${part}`, name, part])
  })
  return {
    options: { format, columns: columns.map(([column]) => column), gzip, delimiter, bom },
    valuesOf: (row) => {
      const values: Values = {}
      for (const [column, name, part] of columns)
        values[column] = part === undefined ? row[name] : (row[name] as Values | null)?.[part]
      return values
    },
  }
}
