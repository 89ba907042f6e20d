import { maxJsonDepth } from '@clientele/platform/http/json-depth'

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const colon = 0x3a
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

export const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** Whether the byte ends a number, `true`, `false` or `null`. */
const endsScalar = (byte: number | undefined): boolean =>
  byte === comma || byte === closeBracket || byte === closeBrace || isSpace(byte) || byte === undefined

/**
 * `structure`: before or inside a value, outside of strings. `escape`: after a backslash. `scalar`: inside a number, true,
 * false or null.
 */
type State = 'structure' | 'string' | 'escape' | 'scalar' | 'ended' | 'mismatched'

/**
 * Finds the end of a JSON value that arrives in parts. It checks only strings and brackets; `JSON.parse` checks everything else.
 * `colons` counts the members of all objects in the value. If the parsed value has fewer keys, a key was repeated.
 */
export class JsonScanner {
  colons = 0
  isTooDeep = false
  #open: number[] = []
  #depth = 0
  #state: State = 'structure'

  /**
   * Goes on scanning at `at`; in the first call, that is the first byte of the value.
   * @returns the index after the value; `incomplete` if it needs more bytes; `mismatched` if brackets do not match
   */
  scan(bytes: Buffer, at: number, atEnd: boolean): number | 'incomplete' | 'mismatched' {
    let index = at
    if (this.#state === 'string') index = this.#scanString(bytes, at)
    else if (this.#state === 'escape' && at < bytes.length) index = this.#scanString(bytes, at + 1)
    if (this.#state === 'structure') index = this.#scanStructure(bytes, index)
    if (this.#state === 'scalar') index = this.#scanScalar(bytes, index)
    if (this.#state === 'ended') return index
    if (this.#state === 'mismatched') return 'mismatched'
    return this.#state === 'scalar' && atEnd ? bytes.length : 'incomplete'
  }

  /** @returns the index after the string, or after the last byte */
  #scanString(bytes: Buffer, at: number): number {
    const { length } = bytes
    for (let index = at; index < length; index += 1) {
      const byte = bytes[index]
      if (byte === quote) {
        this.#state = this.#depth === 0 ? 'ended' : 'structure'
        return index + 1
      }
      if (byte !== backslash) continue
      index += 1
      // The escaped byte is in the next part.
      if (index === length) {
        this.#state = 'escape'
        return length
      }
    }
    this.#state = 'string'
    return length
  }

  #scanScalar(bytes: Buffer, at: number): number {
    const { length } = bytes
    let index = at
    while (index < length && !endsScalar(bytes[index])) index += 1
    if (index < length) this.#state = 'ended'
    return index
  }

  /** @returns the index after the value, after the first byte of a scalar, or after the last byte */
  #scanStructure(bytes: Buffer, at: number): number {
    const { length } = bytes
    let index = at
    while (index < length) {
      const byte = bytes[index] as number
      index += 1
      if (byte === quote) index = this.#scanString(bytes, index)
      else if (byte === openBrace || byte === openBracket) this.#enter(byte)
      else if (byte === closeBrace || byte === closeBracket) this.#leave(byte)
      else if (byte === colon) this.colons += 1
      else if (this.#depth === 0) this.#state = 'scalar'
      else continue
      if (this.#state !== 'structure') return index
    }
    return index
  }

  #enter(byte: number): void {
    this.#depth += 1
    if (this.#depth > maxJsonDepth) this.isTooDeep = true
    else this.#open.push(byte)
  }

  // Brackets deeper than the limit are only counted.
  #leave(byte: number): void {
    this.#depth -= 1
    const isMatched = this.#depth >= maxJsonDepth || (this.#depth >= 0 && this.#open.pop() === byte - 2)
    if (!isMatched) this.#state = 'mismatched'
    else if (this.#depth === 0) this.#state = 'ended'
  }
}
