import { join } from 'node:path'
import { defaultReadLimits, FileError } from '../row.ts'
import type { Archive } from './archive.ts'
import { type CellFormats, plainFormats, readCellFormats } from './cell-formats.ts'
import { readSharedStrings, type SharedStrings } from './shared-strings.ts'
import { SheetParser } from './sheet-parser.ts'
import { findSheet, readWorkbookParts, type Sheet, type WorkbookParts } from './workbook-parts.ts'

/** The sheet of a workbook that is read, and the names of all its sheets, in the order of their tabs. */
export type WorkbookInfo = { sheet: string; sheets: string[] }

/** A sheet as CSV (UTF-8, commas, all texts in quotes, `\n` between rows), with a line for each row of the sheet. */
export type WorkbookText = { info: WorkbookInfo; text: AsyncGenerator<Buffer, void, void> }

const textBytes = 64 << 10

const csvCell = (text: string): string =>
  text === '' ? '' : `"${text.includes('"') ? text.replaceAll('"', '""') : text}"`

const csvLine = (cells: readonly string[]): string => `${cells.map(csvCell).join(',')}\n`

/** Reads the cells of a sheet as CSV. */
async function* readSheet(
  source: AsyncIterable<Buffer>,
  context: { strings: SharedStrings | undefined; formats: CellFormats },
): AsyncGenerator<Buffer, void, void> {
  const parser = new SheetParser(context)
  let text = ''
  for await (const chunk of source) {
    parser.write(chunk)
    for (const cells of parser.take()) {
      text += csvLine(cells)
      if (text.length < textBytes) continue
      yield Buffer.from(text)
      text = ''
    }
    if (parser.done) break
  }
  if (!parser.done) throw new FileError('bad_archive', 'the workbook is damaged: its sheet has no end')
  if (text !== '') yield Buffer.from(text)
}

async function* readText(
  archive: Archive,
  { sharedStrings, styles, isFrom1904 }: WorkbookParts,
  sheet: Sheet,
  folder: string,
): AsyncGenerator<Buffer, void, void> {
  const formats = styles ? await readCellFormats(archive.read(styles), isFrom1904) : plainFormats
  const strings = sharedStrings
    ? await readSharedStrings(archive.read(sharedStrings), {
        path: join(folder, 'strings'),
        maxLength: defaultReadLimits.cellLength,
      })
    : undefined
  try {
    yield* readSheet(archive.read(sheet.part), { strings, formats })
  } finally {
    strings?.close()
  }
}

/**
 * Reads a sheet of a workbook.
 * @param part the result of `findDocumentPart`
 * @param wanted name of the sheet, or its number from 1. Default: the first that is not hidden
 * @param folder for temporary files, which the caller removes
 * @throws FileError, also while `text` is read
 */
export const readWorkbook = async (
  archive: Archive,
  { part, wanted, folder }: { part: string; wanted: string | undefined; folder: string },
): Promise<WorkbookText> => {
  const parts = await readWorkbookParts(archive, part)
  const sheet = findSheet(parts.sheets, wanted)
  const info = { sheet: sheet.name, sheets: parts.sheets.map(({ name }) => name) }
  return { info, text: readText(archive, parts, sheet, folder) }
}
