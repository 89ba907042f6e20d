import type { TableWindow } from './byte-window.ts'
import { type JsonRowOptions, jsonRow } from './json-row.ts'
import { JsonScanner } from './json-scanner.ts'
import { FileFault, faultyRow, type ReadPosition, type Row } from './row.ts'

const newline = 0x0a

/** Cuts newline-delimited JSON into rows; a line break within a value is not JSON, so every line is sure to be one. */
export class NdjsonParser {
  done = false
  #row: number
  #options: JsonRowOptions
  #skipped = 0

  constructor(options: JsonRowOptions, from?: ReadPosition) {
    this.#options = options
    this.#row = from?.row ?? 0
  }

  /** The next rows that are complete in the window; none where it needs more, or where `done`. */
  take(window: TableWindow): Row[] {
    const rows: Row[] = []
    const { rowBytes, skipBytes, batchRows } = this.#options.limits
    const { bytes } = window
    while (rows.length < batchRows) {
      const start = window.at
      if (start === bytes.length && this.#skipped === 0) {
        this.done = window.ended
        break
      }
      const newlineAt = bytes.indexOf(newline, start)
      if (newlineAt === -1 && !window.ended) {
        if (this.#skipped + bytes.length - start > rowBytes) {
          this.#skipped += bytes.length - start
          window.at = bytes.length
        }
        if (this.#skipped > skipBytes) throw this.#endless()
        break
      }
      const end = newlineAt === -1 ? bytes.length : newlineAt
      window.at = Math.min(end + 1, bytes.length)
      this.#row += 1
      const place = { byte: window.place(window.at), row: this.#row }
      const line = bytes.subarray(start, end)
      if (this.#skipped > 0) rows.push(faultyRow(place, 'row_too_long', `has more than ${rowBytes} bytes`, line))
      else if (!isBlank(line)) rows.push(this.#read(line, place))
      this.#skipped = 0
    }
    return rows
  }

  #read(line: Buffer, place: ReadPosition): Row {
    const scanner = new JsonScanner()
    const from = line.findIndex((byte) => byte > 0x20)
    const end = scanner.scan(line, Math.max(from, 0), true)
    if (typeof end === 'string') return faultyRow(place, 'invalid_json', 'is not valid JSON', line)
    return jsonRow(line, scanner, place, this.#options)
  }

  #endless(): FileFault {
    const row = this.#row + 1
    return new FileFault(
      'row_too_long',
      `row ${row} is longer than ${this.#options.limits.rowBytes} bytes and its end was not found`,
      { row },
    )
  }
}

const isBlank = (line: Buffer): boolean => line.length < 200 && line.toString('latin1').trim() === ''
