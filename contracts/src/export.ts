import { z } from 'zod'

/** The formats of tables that come in and go out. */
export const TableFormatName = z.enum(['csv', 'json', 'ndjson'])
export type TableFormatName = z.infer<typeof TableFormatName>

/** What an export made; the checksum is of the file as it is downloaded. */
export const ExportResult = z
  .object({ rows: z.int(), bytes: z.int(), sha256: z.string().meta({ description: 'hexadecimal' }) })
  .meta({ id: 'ExportResult' })
export type ExportResult = z.infer<typeof ExportResult>
