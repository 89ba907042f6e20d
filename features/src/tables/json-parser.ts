import type { ByteWindow } from './byte-window.ts'
import { type JsonRowOptions, parseJsonRow } from './json-row.ts'
import { isSpace, JsonScanner } from './json-scanner.ts'
import { endlessRow, FileError, type ReadPosition, type Row, tooLongRow } from './row.ts'

/** The token that is expected next. */
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
/** `again`: parsing continues in the window. `more`: it needs more bytes. */
type Step = 'again' | 'more'

/** The meaning of a byte: the token that is expected after it, the start or end of the list of rows, or the start of a value. */
type Move = Expected | 'openList' | 'closeList' | 'value' | 'invalid'

type Moves = { [byte: string]: Move; else: Move }

/** The state table: for each expected token, the meaning of the next byte; `else` is for all other bytes. */
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
/** The state table, indexed by byte. */
const movesByByte = new Map(Object.entries(moves).map(([expected, of]) => [expected as Expected, byByte(of)]))

/** Parses a JSON array of objects, or an object with one such array whose other members are skipped. */
export class JsonParser {
  done = false
  #row: number
  #options: JsonRowOptions
  #expected: Expected
  /** Whether the list of rows is a member of an object. */
  #isMemberList: boolean
  #hasRows = false
  /** The scanner of the current value. */
  #scanner: JsonScanner | undefined
  /** The number of bytes of the window that the scanner has scanned. */
  #scanned = 0
  /** The number of bytes of a too long value that were dropped; 0 if there is no such value. */
  #skipped = 0

  constructor(options: JsonRowOptions, from?: ReadPosition) {
    this.#options = options
    this.#row = from?.row ?? 0
    this.#isMemberList = from?.within === 'member'
    this.#hasRows = from?.within !== undefined
    this.#expected = from?.within === undefined ? 'document' : 'afterElement'
  }

  /** Parses the next complete rows of the window. Returns none if it needs more bytes or is `done`. */
  parse(window: ByteWindow): Row[] {
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

  #step(window: ByteWindow, rows: Row[]): Step {
    if (this.#scanner !== undefined) return this.#scanValue(window, rows)
    const move = movesByByte.get(this.#expected)?.[window.bytes[window.at] as number]
    if (move === undefined || move === 'invalid') throw this.#invalid()
    if (move === 'value') return this.#beginValue()
    window.at += 1
    if (move === 'openList') return this.#openList()
    if (move === 'closeList') return this.#expect(this.#isMemberList ? 'afterMember' : 'nothing')
    return this.#expect(move)
  }

  #expect(expected: Expected): Step {
    this.#expected = expected
    return 'again'
  }

  #openList(): Step {
    if (this.#hasRows) throw this.#invalid('the file has more than one list of rows; keep only one')
    this.#isMemberList = this.#expected === 'member'
    this.#hasRows = true
    return this.#expect('firstElement')
  }

  #beginValue(): Step {
    this.#scanner = new JsonScanner()
    this.#scanned = 0
    this.#skipped = 0
    return 'again'
  }

  // A too long value is scanned to its end, so that the next one is found, but it is not kept in memory.
  #scanValue(window: ByteWindow, rows: Row[]): Step {
    const { rowBytes, skipBytes } = this.#options.limits
    const scanner = this.#scanner as JsonScanner
    const end = scanner.scan(window.bytes, window.at + this.#scanned, window.ended)
    if (end === 'mismatched') throw this.#invalid()
    if (end === 'incomplete') {
      if (window.ended) throw this.#unexpectedEnd()
      this.#scanned = window.pending
      if (this.#skipped + window.pending > rowBytes) {
        this.#skipped += window.pending
        this.#scanned = 0
        window.at = window.bytes.length
      }
      if (this.#skipped > skipBytes) throw endlessRow(this.#row + 1, rowBytes)
      return 'more'
    }
    const text = window.bytes.subarray(window.at, end)
    window.at = end
    this.#scanner = undefined
    if (this.#expected === 'name') return this.#expect('colon')
    if (this.#expected === 'member') return this.#expect('afterMember')
    this.#row += 1
    const position: ReadPosition = {
      byte: window.offsetOf(end),
      row: this.#row,
      within: this.#isMemberList ? 'member' : 'array',
    }
    rows.push(
      this.#skipped > 0
        ? tooLongRow(position, rowBytes, 'values', text)
        : parseJsonRow(text, scanner, position, this.#options),
    )
    return this.#expect('afterElement')
  }

  #finish(): void {
    if (this.#expected !== 'nothing') throw this.#expected === 'document' ? this.#invalid() : this.#unexpectedEnd()
    if (!this.#hasRows) throw this.#invalid('the file has no list of rows')
    this.done = true
  }

  #invalid(message = `the file is not valid JSON at row ${this.#row + 1}`): FileError {
    return new FileError('invalid_json', message, { row: this.#row + 1 })
  }

  #unexpectedEnd(): FileError {
    const row = this.#row + 1
    return new FileError('unexpected_end', `the file ends within row ${row}`, { row })
  }
}
