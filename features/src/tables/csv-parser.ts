import type { ByteWindow } from './byte-window.ts'
import { type CsvSyntax, csvSyntaxOf, readCells } from './csv-cells.ts'
import { plainText } from './formula-escaping.ts'
import {
  type CsvFormat,
  EmptyValues,
  endlessRow,
  FileError,
  invalidRow,
  type ReadLimits,
  type ReadPosition,
  type Row,
  tooLongRow,
} from './row.ts'

const carriageReturn = 0x0d

const isBlank = (cell: string): boolean => cell.trim() === ''

/**
 * `end` is the end of a line, or of the window if the line is not complete (`isWhole` false). `isQuoted`: the line contains a
 * quote.
 */
type LineEnd = { isWhole: boolean; end: number; isQuoted: boolean }

/** Searches for a rare byte once per block instead of once per row. */
class ByteSearch {
  #bytes: Buffer
  #byte: number
  #next: number

  constructor(bytes: Buffer, byte: number, from: number) {
    this.#bytes = bytes
    this.#byte = byte
    this.#next = this.#find(from)
  }

  /** Returns the index of the byte, or the length of the bytes if it does not occur. */
  #find(from: number): number {
    const at = this.#bytes.indexOf(this.#byte, from)
    return at === -1 ? this.#bytes.length : at
  }

  /** Whether the byte occurs from `start` to before `end`. `start` must not decrease from call to call. */
  isWithin(start: number, end: number): boolean {
    if (this.#next < start) this.#next = this.#find(start)
    return this.#next < end
  }
}

/**
 * Parses delimited text (RFC 4180). In a cell that does not begin with a quote, quotes are text. If the end of a row is ambiguous,
 * parsing fails, because a guess could turn the content of a cell into rows.
 */
export class CsvParser {
  done = false
  #row: number
  #format: CsvFormat
  #limits: ReadLimits
  #syntax: CsvSyntax
  #newline: number
  /** The number of bytes of a too long row that were dropped while searching for its end; 0 if there is no such row. */
  #skipped = 0
  #skippedRaw: Buffer | undefined

  constructor(format: CsvFormat, limits: ReadLimits, from?: ReadPosition) {
    this.#format = format
    this.#limits = limits
    this.#row = from?.row ?? (format.hasSepLine ? -1 : 0)
    this.#syntax = csvSyntaxOf(format)
    this.#newline = this.#syntax.newline
  }

  /** Parses the next complete rows of the window. Returns none if it needs more bytes or is `done`. */
  parse(window: ByteWindow): Row[] {
    const rows: Row[] = []
    const { bytes } = window
    const quotes = new ByteSearch(bytes, this.#syntax.quote, window.at)
    const nuls = new ByteSearch(bytes, 0, window.at)
    while (rows.length < this.#limits.batchRows) {
      if (window.at === bytes.length && this.#skipped === 0) {
        this.done = window.ended
        break
      }
      if (!this.#parseRow(window, rows, quotes, nuls)) break
    }
    return rows
  }

  /** Parses the next row. @returns false if its end is not in the window */
  #parseRow(window: ByteWindow, rows: Row[], quotes: ByteSearch, nuls: ByteSearch): boolean {
    const { bytes, at: start } = window
    const newlineAt = bytes.indexOf(this.#newline, start)
    const isWhole = newlineAt !== -1 || window.ended
    const end = newlineAt === -1 ? bytes.length : newlineAt
    const isQuoted = quotes.isWithin(start, end)
    if (this.#skipped > 0) return this.#skipToRowEnd(window, rows, { isWhole, end, isQuoted })
    if (isQuoted) return this.#parseQuotedRow(window, rows, nuls)
    if (isWhole) {
      this.#addRow(window, rows, end, this.#splitPlainRow(bytes, start, end), nuls.isWithin(start, end))
      return true
    }
    if (window.pending > this.#limits.rowBytes) this.#beginSkipping(window)
    return false
  }

  #parseQuotedRow(window: ByteWindow, rows: Row[], nuls: ByteSearch): boolean {
    const { bytes, at: start, ended } = window
    const found = readCells(bytes, start, ended, this.#syntax)
    if ('isInQuotes' in found) {
      if (ended || window.pending > this.#limits.rowBytes) throw this.#ambiguousEnd(found.isInQuotes)
      return false
    }
    this.#addRow(window, rows, found.end, found.cells, nuls.isWithin(start, found.end))
    return true
  }

  #splitPlainRow(bytes: Buffer, start: number, end: number): string[] {
    const isReturn = end > start && bytes[end - 1] === carriageReturn && this.#newline !== carriageReturn
    return bytes.toString('utf8', start, isReturn ? end - 1 : end).split(this.#format.delimiter)
  }

  #addRow(window: ByteWindow, rows: Row[], end: number, cells: string[] | undefined, hasNul: boolean): void {
    const text = window.bytes.subarray(window.at, end)
    window.at = Math.min(end + 1, window.bytes.length)
    this.#row += 1
    if (this.#row <= this.#format.skipRows) return
    if (cells?.every(isBlank)) return
    rows.push(this.#toRow({ byte: window.offsetOf(window.at), row: this.#row }, text, cells, hasNul))
  }

  #toRow(end: ReadPosition, text: Buffer, cells: string[] | undefined, hasNul: boolean): Row {
    const { rowBytes, cellLength } = this.#limits
    const { columns } = this.#format
    if (text.length > rowBytes) return tooLongRow(end, rowBytes, 'cells', text)
    if (hasNul) return invalidRow(end, 'nul_character', 'the row contains a NUL character; remove it', text)
    if (cells === undefined)
      return invalidRow(
        end,
        'bad_quote',
        'a cell has text after its closing quote; double the quotes inside a cell',
        text,
      )
    // Spreadsheets leave out empty cells at the end of a row, and files made by hand end rows with a delimiter.
    if (cells.length > columns.length && !cells.slice(columns.length).every(isBlank)) {
      const message = `the row has ${cells.length} cells, but the file has ${columns.length} columns; quote cells that contain the delimiter`
      return invalidRow(end, 'column_count', message, text)
    }
    const values = new EmptyValues()
    for (let index = 0; index < columns.length; index += 1) {
      const cell = cells[index] ?? ''
      if (cell.length > cellLength)
        return invalidRow(
          end,
          'cell_too_long',
          `${columns[index]} has more than ${cellLength} characters; shorten it`,
          text,
        )
      values[columns[index] as string] = plainText(cell)
    }
    return { number: end.row, values, end }
  }

  #beginSkipping(window: ByteWindow): void {
    this.#skippedRaw = Buffer.from(window.bytes.subarray(window.at, window.at + 1000))
    this.#skipped = window.pending
    window.at = window.bytes.length
  }

  #skipToRowEnd(window: ByteWindow, rows: Row[], { isWhole, end, isQuoted }: LineEnd): boolean {
    if (isQuoted) throw this.#ambiguousEnd(false)
    this.#skipped += end - window.at
    if (this.#skipped > this.#limits.skipBytes) throw this.#ambiguousEnd(false)
    window.at = Math.min(isWhole ? end + 1 : end, window.bytes.length)
    if (!isWhole) return false
    this.#row += 1
    const position = { byte: window.offsetOf(window.at), row: this.#row }
    if (this.#row > this.#format.skipRows)
      rows.push(tooLongRow(position, this.#limits.rowBytes, 'cells', this.#skippedRaw))
    this.#skipped = 0
    return true
  }

  #ambiguousEnd(inQuotes: boolean): FileError {
    const row = this.#row + 1
    return inQuotes
      ? new FileError('unclosed_quote', `row ${row} of the file opens a quote that is never closed`, { row })
      : endlessRow(row, this.#limits.rowBytes)
  }
}
