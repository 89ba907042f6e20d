import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { createSheetXml, maxSheetRows } from './sheet-xml.ts'
import { contentTypes, packageRelationships, styles, workbookParts } from './workbook-xml.ts'

type Values = Record<string, unknown>

export type WorkbookOptions = {
  /** The keys to write, in order. */
  columns: readonly string[]
  /** The name of the sheet. Default `Sheet1`. */
  name?: string | undefined
  /** The columns whose texts are decimal numbers, such as `10.50`. */
  numbers?: readonly string[] | undefined
  /** Whether a text that is too long for a cell is cut. By default writing fails. */
  cutsLongTexts?: boolean | undefined
}

/** The media type of XLSX. */
export const workbookType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'

const blockBytes = 64 << 10
const compression = { compress: true, compressionLevel: 3 }

/** The rows of all batches. `next` returns the next one; `hasMore` looks ahead. */
const createRowReader = (batches: AsyncIterable<readonly Values[]>) => {
  const iterator = batches[Symbol.asyncIterator]()
  let batch: readonly Values[] = []
  let at = 0
  const hasMore = async (): Promise<boolean> => {
    while (at === batch.length) {
      const { value, done } = await iterator.next()
      if (done) return false
      batch = value
      at = 0
    }
    return true
  }
  return {
    hasMore,
    /** The rest of the batch, at most `count` rows. */
    take: (count: number): readonly Values[] => {
      const rows = batch.slice(at, at + count)
      at += rows.length
      return rows
    },
    end: async (): Promise<void> => void (await iterator.return?.()),
  }
}
type RowReader = ReturnType<typeof createRowReader>

async function* writeSheet(rows: RowReader, options: WorkbookOptions): AsyncGenerator<Buffer> {
  const sheet = createSheetXml(options)
  let text = sheet.head
  let left = maxSheetRows - 1
  while (left > 0 && (await rows.hasMore())) {
    const batch = rows.take(left)
    left -= batch.length
    for (const row of batch) {
      text += sheet.row(row)
      if (text.length < blockBytes) continue
      yield Buffer.from(text)
      text = ''
    }
  }
  yield Buffer.from(text + sheet.tail)
}

/**
 * Writes a table as a workbook (XLSX), batch by batch, while it is read. Rows that do not fit in a sheet go into further ones. Texts
 * are cells of the type text, so that none of them is a formula or becomes a number.
 * @throws CellTooLong
 */
export async function* writeWorkbook(
  batches: AsyncIterable<readonly Values[]>,
  options: WorkbookOptions,
): AsyncGenerator<Buffer, void, void> {
  const zip = new ZipFile()
  const rows = createRowReader(batches)
  let sheet: Readable | undefined
  const add = (path: string, xml: string): void => zip.addBuffer(Buffer.from(xml), path, compression)
  const addSheet = async (number: number): Promise<void> => {
    sheet = Readable.from(writeSheet(rows, options), { objectMode: false })
    zip.addReadStream(sheet, `xl/worksheets/sheet${number}.xml`, compression)
    await finished(sheet)
  }
  const addAll = async (): Promise<void> => {
    add('[Content_Types].xml', contentTypes)
    add('_rels/.rels', packageRelationships)
    add('xl/styles.xml', styles)
    let sheets = 0
    do {
      sheets += 1
      await addSheet(sheets)
    } while (await rows.hasMore())
    for (const [path, xml] of workbookParts(sheets, options.name)) add(path, xml)
    zip.end()
  }
  const output = zip.outputStream as Readable
  zip.on('error', (error: Error) => output.destroy(error))
  addAll().catch((error: Error) => output.destroy(error))
  try {
    for await (const chunk of output) yield chunk as Buffer
  } finally {
    sheet?.destroy()
    await rows.end()
  }
}
