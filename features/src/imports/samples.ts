import type { Tx } from '@clientele/platform/data/db'
import type { JobFiles } from '../jobs/job-files.ts'
import { ByteWindow } from '../tables/byte-window.ts'
import { createParser } from '../tables/reader.ts'
import type { TableFormat } from '../tables/row.ts'
import type { FieldValues } from './import-target.ts'

const sampleRows = 20

/** Returns the values of the first rows. @param isWhole whether `bytes` are the whole file */
export const readSamples = (bytes: Buffer, isWhole: boolean, format: TableFormat): FieldValues[] => {
  try {
    const window = new ByteWindow()
    window.push(bytes)
    window.ended = isWhole
    const rows = createParser(format, { dotted: true, limits: { batchRows: sampleRows } }).parse(window)
    return rows.flatMap(({ values }) => (values ? [values] : []))
  } catch {
    // The dry run reports the errors of the file.
    return []
  }
}

type StoredFile = { fileId: string | null; bytes: number; format: TableFormat }

/** Returns the values of the first rows of an import's file; none if it has expired. */
export const readStoredSamples = async (
  files: JobFiles,
  { fileId, bytes, format }: StoredFile,
  tx: Tx,
): Promise<FieldValues[]> => {
  if (fileId === null) return []
  for await (const chunk of files.read(fileId, 0, tx)) return readSamples(chunk, chunk.length >= bytes, format)
  return []
}
