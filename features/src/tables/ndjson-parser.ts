import type { ByteWindow } from './byte-window.ts'
import { type JsonRowOptions, parseJsonRow } from './json-row.ts'
import { JsonScanner } from './json-scanner.ts'
import { endlessRow, invalidRow, type ReadPosition, type Row, tooLongRow } from './row.ts'

const newline = 0x0a

/** Parses newline-delimited JSON. JSON strings cannot contain a line break, so every line is a row. */
export class NdjsonParser {
  done = false
  #row: number
  #options: JsonRowOptions
  #skipped = 0

  constructor(options: JsonRowOptions, from?: ReadPosition) {
    this.#options = options
    this.#row = from?.row ?? 0
  }

  /** Parses the next complete rows of the window. Returns none if it needs more bytes or is `done`. */
  parse(window: ByteWindow): Row[] {
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
        if (this.#skipped > skipBytes) throw endlessRow(this.#row + 1, rowBytes)
        break
      }
      const end = newlineAt === -1 ? bytes.length : newlineAt
      window.at = Math.min(end + 1, bytes.length)
      this.#row += 1
      const position = { byte: window.offsetOf(window.at), row: this.#row }
      const line = bytes.subarray(start, end)
      if (this.#skipped > 0) rows.push(tooLongRow(position, rowBytes, 'values', line))
      else if (!isBlank(line)) rows.push(this.#parseLine(line, position))
      this.#skipped = 0
    }
    return rows
  }

  #parseLine(line: Buffer, position: ReadPosition): Row {
    const scanner = new JsonScanner()
    const from = line.findIndex((byte) => byte > 0x20)
    const end = scanner.scan(line, Math.max(from, 0), true)
    if (typeof end === 'string') return invalidRow(position, 'invalid_json', 'the row is not valid JSON', line)
    return parseJsonRow(line, scanner, position, this.#options)
  }
}

const isBlank = (line: Buffer): boolean => line.length < 200 && line.toString('latin1').trim() === ''
