import type { TableWindow } from './byte-window.ts'
import { type JsonRowOptions, jsonRow } from './json-row.ts'
import { isSpace, JsonScanner } from './json-scanner.ts'
import { FileFault, faultyRow, type ReadPosition, type Row } from './row.ts'

type Expected =
  | 'document'
  | 'name'
  | 'colon'
  | 'member'
  | 'afterMember'
  | 'element'
  | 'firstElement'
  | 'afterElement'
  | 'nothing'
type Step = 'again' | 'more'

/** What a byte leads to: to what is expected after it, into or out of the list of rows, or into a value that it begins. */
type Move = Expected | 'openList' | 'closeList' | 'value' | 'invalid'

type Moves = { [byte: string]: Move; else: Move }

/** By what is expected, the moves of bytes; `else` is that of all others. */
const moves: Record<Expected, Moves> = {
  document: { '[': 'openList', '{': 'name', else: 'invalid' },
  name: { '"': 'value', '}': 'nothing', else: 'invalid' },
  colon: { ':': 'member', else: 'invalid' },
  member: { '[': 'openList', else: 'value' },
  afterMember: { ',': 'name', '}': 'nothing', else: 'invalid' },
  firstElement: { ']': 'closeList', ',': 'invalid', ':': 'invalid', '}': 'invalid', else: 'value' },
  element: { ']': 'invalid', ',': 'invalid', ':': 'invalid', '}': 'invalid', else: 'value' },
  afterElement: { ',': 'element', ']': 'closeList', else: 'invalid' },
  nothing: { else: 'invalid' },
}

const byByte = (of: Moves): Move[] => Array.from({ length: 256 }, (_, byte) => of[String.fromCharCode(byte)] ?? of.else)
/** The same, by the number of the byte. */
const movesByByte = new Map(Object.entries(moves).map(([expected, of]) => [expected as Expected, byByte(of)]))

/** Cuts a JSON array of objects into rows, or an object with one such array, whose other members are passed over. */
export class JsonParser {
  done = false
  #row: number
  #options: JsonRowOptions
  #expected: Expected
  #isMember: boolean
  #hasRows = false
  /** The value that is being looked through, and how far. */
  #scanner: JsonScanner | undefined
  #scanned = 0
  #skipped = 0

  constructor(options: JsonRowOptions, from?: ReadPosition) {
    this.#options = options
    this.#row = from?.row ?? 0
    this.#isMember = from?.within === 'member'
    this.#hasRows = from?.within !== undefined
    this.#expected = from?.within === undefined ? 'document' : 'afterElement'
  }

  /** The next rows that are complete in the window; none where it needs more, or where `done`. */
  take(window: TableWindow): Row[] {
    const rows: Row[] = []
    while (rows.length < this.#options.limits.batchRows && !this.done) {
      if (this.#scanner === undefined) {
        while (isSpace(window.bytes[window.at])) window.at += 1
        if (window.at === window.bytes.length) {
          if (window.ended) this.#finish()
          break
        }
      }
      if (this.#step(window, rows) === 'more') break
    }
    return rows
  }

  #step(window: TableWindow, rows: Row[]): Step {
    if (this.#scanner !== undefined) return this.#value(window, rows)
    const move = movesByByte.get(this.#expected)?.[window.bytes[window.at] as number]
    if (move === undefined || move === 'invalid') throw this.#invalid()
    if (move === 'value') return this.#begin()
    window.at += 1
    if (move === 'openList') return this.#openList()
    if (move === 'closeList') return this.#expect(this.#isMember ? 'afterMember' : 'nothing')
    return this.#expect(move)
  }

  #expect(expected: Expected): Step {
    this.#expected = expected
    return 'again'
  }

  #openList(): Step {
    if (this.#hasRows) throw this.#invalid('has more than one list')
    this.#isMember = this.#expected === 'member'
    this.#hasRows = true
    return this.#expect('firstElement')
  }

  #begin(): Step {
    this.#scanner = new JsonScanner()
    this.#scanned = 0
    this.#skipped = 0
    return 'again'
  }

  // A value that is too long is still followed to its end, so that the next one is found, but not kept.
  #value(window: TableWindow, rows: Row[]): Step {
    const { rowBytes, skipBytes } = this.#options.limits
    const scanner = this.#scanner as JsonScanner
    const end = scanner.scan(window.bytes, window.at + this.#scanned, window.ended)
    if (end === 'mismatched') throw this.#invalid()
    if (end === 'incomplete') {
      if (window.ended) throw this.#cut()
      this.#scanned = window.pending
      if (this.#skipped + window.pending > rowBytes) {
        this.#skipped += window.pending
        this.#scanned = 0
        window.at = window.bytes.length
      }
      if (this.#skipped > skipBytes) throw this.#endless()
      return 'more'
    }
    const text = window.bytes.subarray(window.at, end)
    window.at = end
    this.#scanner = undefined
    if (this.#expected === 'name') return this.#expect('colon')
    if (this.#expected === 'member') return this.#expect('afterMember')
    this.#row += 1
    const place: ReadPosition = {
      byte: window.place(end),
      row: this.#row,
      within: this.#isMember ? 'member' : 'array',
    }
    rows.push(
      this.#skipped > 0
        ? faultyRow(place, 'row_too_long', `has more than ${rowBytes} bytes`, text)
        : jsonRow(text, scanner, place, this.#options),
    )
    return this.#expect('afterElement')
  }

  #finish(): void {
    if (this.#expected !== 'nothing') throw this.#expected === 'document' ? this.#invalid() : this.#cut()
    if (!this.#hasRows) throw this.#invalid('has no list')
    this.done = true
  }

  #invalid(message = `row ${this.#row + 1} is not followed or begun as JSON demands`): FileFault {
    return new FileFault('invalid_json', message, { row: this.#row + 1 })
  }

  #cut(): FileFault {
    const row = this.#row + 1
    return new FileFault('unexpected_end', `the file ends within row ${row}`, { row })
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
