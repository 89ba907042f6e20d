import { z } from 'zod'

/** The file formats of imports and exports. */
export const TableFormatName = z.enum(['csv', 'json', 'ndjson', 'xlsx']).meta({ id: 'TableFormat' })
export type TableFormatName = z.infer<typeof TableFormatName>

/** How CSV has texts that a spreadsheet would run as formulas: with an apostrophe in front, or as they are. */
export const Formulas = z.enum(['escape', 'keep']).meta({ id: 'Formulas' })
export type Formulas = z.infer<typeof Formulas>

/** The file that an export wrote. `bytes` and `sha256` are those of the download, after compression. */
export const ExportResult = z
  .object({
    rows: z.int().min(0),
    bytes: z.int().min(0),
    sha256: z.string().meta({ description: 'The SHA-256 of the file, in hexadecimal.' }),
  })
  .meta({ id: 'ExportResult' })
export type ExportResult = z.infer<typeof ExportResult>
