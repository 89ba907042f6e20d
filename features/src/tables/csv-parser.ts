import type { TableWindow } from './byte-window.ts'
import { type CsvBytes, csvBytes, readCells } from './csv-cells.ts'
import { unescapeFormula } from './formula-escaping.ts'
import {
  type CsvFormat,
  EmptyValues,
  FileFault,
  faultyRow,
  type ReadLimits,
  type ReadPosition,
  type Row,
} from './row.ts'

const carriageReturn = 0x0d

/** Where a line ends, or the window if it is not whole; whether a quote stands before. */
type LineEnd = { isWhole: boolean; end: number; isQuoted: boolean }

/** Looks for a byte once a block and not once a row: most blocks have none. */
class ByteSearch {
  #bytes: Buffer
  #byte: number
  #next: number

  constructor(bytes: Buffer, byte: number, from: number) {
    this.#bytes = bytes
    this.#byte = byte
    this.#next = this.#find(from)
  }

  // The end of the bytes if there is none.
  #find(from: number): number {
    const at = this.#bytes.indexOf(this.#byte, from)
    return at === -1 ? this.#bytes.length : at
  }

  /** Whether the byte stands from `start` to before `end`; `start` only grows. */
  isWithin(start: number, end: number): boolean {
    if (this.#next < start) this.#next = this.#find(start)
    return this.#next < end
  }
}

/**
 * Cuts delimited text (RFC 4180) into rows. A quote within a cell that does not begin with one is text. Where the end of a row
 * is not certain, the file ends with a fault: guessing would make rows of what stands in a cell.
 */
export class CsvParser {
  done = false
  #row: number
  #format: CsvFormat
  #limits: ReadLimits
  #marks: CsvBytes
  #newline: number
  /** Bytes of a row that are already gone, while its end is looked for. */
  #skipped = 0
  #skippedRaw: Buffer | undefined

  constructor(format: CsvFormat, limits: ReadLimits, from?: ReadPosition) {
    this.#format = format
    this.#limits = limits
    this.#row = from?.row ?? 0
    this.#marks = csvBytes(format)
    this.#newline = this.#marks.newline
  }

  /** The next rows that are complete in the window; none where it needs more, or where `done`. */
  take(window: TableWindow): Row[] {
    const rows: Row[] = []
    const { bytes } = window
    const quotes = new ByteSearch(bytes, this.#marks.quote, window.at)
    const nuls = new ByteSearch(bytes, 0, window.at)
    while (rows.length < this.#limits.batchRows) {
      if (window.at === bytes.length && this.#skipped === 0) {
        this.done = window.ended
        break
      }
      if (!this.#takeRow(window, rows, quotes, nuls)) break
    }
    return rows
  }

  /** @returns false if the row's end is not in the window */
  #takeRow(window: TableWindow, rows: Row[], quotes: ByteSearch, nuls: ByteSearch): boolean {
    const { bytes, at: start } = window
    const newlineAt = bytes.indexOf(this.#newline, start)
    const isWhole = newlineAt !== -1 || window.ended
    const end = newlineAt === -1 ? bytes.length : newlineAt
    const isQuoted = quotes.isWithin(start, end)
    if (this.#skipped > 0) return this.#skip(window, rows, { isWhole, end, isQuoted })
    if (isQuoted) return this.#takeQuoted(window, rows, nuls)
    if (isWhole) {
      this.#finish(window, rows, end, this.#plain(bytes, start, end), nuls.isWithin(start, end))
      return true
    }
    if (window.pending > this.#limits.rowBytes) this.#beginSkipping(window)
    return false
  }

  #takeQuoted(window: TableWindow, rows: Row[], nuls: ByteSearch): boolean {
    const { bytes, at: start, ended } = window
    const found = readCells(bytes, start, ended, this.#marks)
    if ('isInQuotes' in found) {
      if (ended || window.pending > this.#limits.rowBytes) throw this.#uncertain(found.isInQuotes)
      return false
    }
    this.#finish(window, rows, found.end, found.cells, nuls.isWithin(start, found.end))
    return true
  }

  #plain(bytes: Buffer, start: number, end: number): string[] {
    const isReturn = end > start && bytes[end - 1] === carriageReturn && this.#newline !== carriageReturn
    return bytes.toString('utf8', start, isReturn ? end - 1 : end).split(this.#format.delimiter)
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
    const values = new EmptyValues()
    for (let index = 0; index < cells.length; index += 1) {
      const cell = cells[index] as string
      if (cell.length > cellLength)
        return faultyRow(end, 'cell_too_long', `has more than ${cellLength} characters in one cell`, text)
      values[columns[index] as string] = unescapeFormula(cell)
    }
    return { number: end.row, values, end }
  }

  #beginSkipping(window: TableWindow): void {
    this.#skippedRaw = Buffer.from(window.bytes.subarray(window.at, window.at + 1000))
    this.#skipped = window.pending
    window.at = window.bytes.length
  }

  #skip(window: TableWindow, rows: Row[], { isWhole, end, isQuoted }: LineEnd): boolean {
    if (isQuoted) throw this.#uncertain(false)
    this.#skipped += end - window.at
    if (this.#skipped > this.#limits.skipBytes) throw this.#uncertain(false)
    window.at = Math.min(isWhole ? end + 1 : end, window.bytes.length)
    if (!isWhole) return false
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
