import type { JobFiles } from '../../jobs/job-files.ts'
import { ByteWindow } from '../../tables/byte-window.ts'
import { createParser } from '../../tables/reader.ts'
import { FileError, type TableFormat } from '../../tables/row.ts'
import type { FieldValues } from '../import-target.ts'
import { readFileFrom } from '../received-file.ts'
import type { Mapping } from './mapping.ts'

const sampleRows = 100
const sampleBytes = 64 << 10

/** Reads the first rows of a file from its first bytes. Rows that cannot be read are left out. */
export const parseSamples = (text: Buffer, isWhole: boolean, format: TableFormat): FieldValues[] => {
  try {
    const window = new ByteWindow()
    window.push(text)
    window.ended = isWhole
    const rows = createParser(format, { dotted: true, limits: { batchRows: sampleRows } }).parse(window)
    return rows.flatMap(({ values }) => (values ? [values] : []))
  } catch (error) {
    // The dry run reports an error in the first rows. The mapping can still be made from the names of the columns.
    if (error instanceof FileError) return []
    throw error
  }
}

/** Reads the first rows of a stored file; none if the file has expired. */
export const readSamples = async (
  files: JobFiles,
  { fileId, format }: { fileId: string | null; format: TableFormat },
): Promise<FieldValues[]> => {
  if (fileId === null) return []
  for await (const chunk of readFileFrom(files, fileId))
    return parseSamples(chunk.subarray(0, sampleBytes), chunk.length < sampleBytes, format)
  return []
}

const textOf = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '').trim()

/** The values of a column as trimmed texts, without empty ones. */
export const textsOf = (samples: readonly FieldValues[], column: string): string[] =>
  samples.map((values) => textOf(values[column])).filter((text) => text !== '')

/**
 * Returns the first of `forms` to which a column with values is mapped that all have the form: the key by which the rows name
 * records of ours.
 */
export const findOwnKey = (
  mapping: Mapping,
  samples: readonly FieldValues[],
  forms: Record<string, (text: string) => boolean>,
): string | undefined =>
  Object.entries(forms).find(([field, isOwn]) => {
    const column = Object.keys(mapping).find((name) => mapping[name] === field)
    const texts = column === undefined ? [] : textsOf(samples, column)
    return texts.length > 0 && texts.every(isOwn)
  })?.[0]
