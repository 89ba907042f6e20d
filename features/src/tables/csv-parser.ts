import type { TableWindow } from './byte-window.ts'
import { readCells } from './csv-cells.ts'
import { undefused } from './formula-escaping.ts'
import {
  type CsvFormat,
  emptyValues,
  FileFault,
  faultyRow,
  type ReadLimits,
  type ReadPosition,
  type Row,
} from './row.ts'

const carriageReturn = 0x0d

/**
 * Cuts delimited text (RFC 4180) into rows. A quote within a cell that does not begin with one is text. Where the end of a row
 * is not certain, the file ends with a fault: guessing would make rows of what stands in a cell.
 */
export class CsvParser {
  done = false
  #row: number
  #format: CsvFormat
  #limits: ReadLimits
  #newline: number
  #quote: number
  #delimiter: number
  /** Bytes of a row that are already gone, while its end is looked for. */
  #skipped = 0
  #skippedRaw: Buffer | undefined

  constructor(format: CsvFormat, limits: ReadLimits, from?: ReadPosition) {
    this.#format = format
    this.#limits = limits
    this.#row = from?.row ?? 0
    this.#newline = format.newline.charCodeAt(0)
    this.#quote = format.quote.charCodeAt(0)
    this.#delimiter = format.delimiter.charCodeAt(0)
  }

  /** The next rows that are complete in the window; none where it needs more, or where `done`. */
  take(window: TableWindow): Row[] {
    const rows: Row[] = []
    const { bytes } = window
    // Looked for once a block and not once a row: most blocks have none.
    let quoteAt = bytes.indexOf(this.#quote, window.at)
    let nulAt = bytes.indexOf(0, window.at)
    while (rows.length < this.#limits.batchRows) {
      const start = window.at
      if (start === bytes.length && this.#skipped === 0) {
        this.done = window.ended
        break
      }
      if (quoteAt !== -1 && quoteAt < start) quoteAt = bytes.indexOf(this.#quote, start)
      if (nulAt !== -1 && nulAt < start) nulAt = bytes.indexOf(0, start)
      const newlineAt = bytes.indexOf(this.#newline, start)
      const whole = newlineAt !== -1 || window.ended
      const end = newlineAt === -1 ? bytes.length : newlineAt
      const quoted = quoteAt !== -1 && quoteAt < end
      if (this.#skipped > 0) {
        if (!this.#skip(window, rows, { whole, end, quoted })) break
        continue
      }
      if (!quoted) {
        if (!whole) {
          if (window.pending > this.#limits.rowBytes) this.#beginSkipping(window)
          break
        }
        this.#finish(window, rows, end, this.#plain(bytes, start, end), nulAt !== -1 && nulAt < end)
        continue
      }
      const found = readCells(bytes, start, window.ended, this.#delimiter, this.#quote, this.#newline)
      if (found.end === -1) {
        if (window.ended || window.pending > this.#limits.rowBytes) throw this.#uncertain(found.inQuotes)
        break
      }
      this.#finish(window, rows, found.end, found.cells, nulAt !== -1 && nulAt < found.end)
    }
    return rows
  }

  #plain(bytes: Buffer, start: number, end: number): string[] {
    const last = end > start && bytes[end - 1] === carriageReturn && this.#newline !== carriageReturn ? end - 1 : end
    return bytes.toString('utf8', start, last).split(this.#format.delimiter)
  }

  #finish(window: TableWindow, rows: Row[], end: number, cells: string[] | undefined, isNul: boolean): void {
    const text = window.bytes.subarray(window.at, end)
    window.at = Math.min(end + 1, window.bytes.length)
    this.#row += 1
    if (this.#row <= this.#format.skipRows) return
    if (text.length <= 1 && cells?.length === 1 && cells[0] === '') return
    rows.push(this.#rowOf({ byte: window.place(window.at), row: this.#row }, text, cells, isNul))
  }

  #rowOf(end: ReadPosition, text: Buffer, cells: string[] | undefined, isNul: boolean): Row {
    const { rowBytes, cellLength } = this.#limits
    const { columns } = this.#format
    if (text.length > rowBytes) return faultyRow(end, 'row_too_long', `has more than ${rowBytes} bytes`, text)
    if (isNul) return faultyRow(end, 'nul_character', 'contains a NUL character', text)
    if (cells === undefined) return faultyRow(end, 'bad_quote', 'has text after a closing quote', text)
    if (cells.length !== columns.length) {
      const message = `has ${cells.length} cells where the file has ${columns.length} columns`
      return faultyRow(end, 'column_count', message, text)
    }
    const values = new emptyValues()
    for (let index = 0; index < cells.length; index += 1) {
      const cell = cells[index] as string
      if (cell.length > cellLength)
        return faultyRow(end, 'cell_too_long', `has more than ${cellLength} characters in one cell`, text)
      values[columns[index] as string] = undefused(cell)
    }
    return { number: end.row, values, end }
  }

  #beginSkipping(window: TableWindow): void {
    this.#skippedRaw = Buffer.from(window.bytes.subarray(window.at, window.at + 1000))
    this.#skipped = window.pending
    window.at = window.bytes.length
  }

  #skip(window: TableWindow, rows: Row[], { whole, end, quoted }: { whole: boolean; end: number; quoted: boolean }) {
    if (quoted) throw this.#uncertain(false)
    this.#skipped += end - window.at
    if (this.#skipped > this.#limits.skipBytes) throw this.#uncertain(false)
    window.at = Math.min(whole ? end + 1 : end, window.bytes.length)
    if (!whole) return false
    this.#row += 1
    const place = { byte: window.place(window.at), row: this.#row }
    if (this.#row > this.#format.skipRows)
      rows.push(faultyRow(place, 'row_too_long', `has more than ${this.#limits.rowBytes} bytes`, this.#skippedRaw))
    this.#skipped = 0
    return true
  }

  #uncertain(inQuotes: boolean): FileFault {
    const row = this.#row + 1
    return inQuotes
      ? new FileFault('unclosed_quote', `row ${row} opens a quote that is not closed`, { row })
      : new FileFault(
          'row_too_long',
          `row ${row} is longer than ${this.#limits.rowBytes} bytes and its end was not found`,
          {
            row,
          },
        )
  }
}
