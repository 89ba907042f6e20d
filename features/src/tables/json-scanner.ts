import { maxJsonDepth } from '@clientele/platform/http/json-depth'

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
/** Values and what stands between them end a number, `true`, `false` and `null`. */
const endsScalar = (byte: number | undefined): boolean =>
  byte === 0x2c || byte === closeBracket || byte === closeBrace || isSpace(byte) || byte === undefined

export const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/**
 * Finds where one JSON value ends, a part at a time. It knows strings and brackets alone; `JSON.parse` judges the rest.
 * `colons` counts the members of all objects within: fewer keys after parsing mean that some came twice.
 */
export class JsonScanner {
  colons = 0
  isTooDeep = false
  #open: number[] = []
  #depth = 0
  #state: 'start' | 'within' | 'string' | 'escape' | 'scalar' = 'start'

  /**
   * Scans on from `at`, which is the value's first byte at first.
   * @returns the index after the value, `incomplete` or `mismatched` (brackets that do not belong together)
   */
  scan(bytes: Buffer, at: number, atEnd: boolean): number | 'incomplete' | 'mismatched' {
    const { length } = bytes
    for (let index = at; index < length; index += 1) {
      const byte = bytes[index]
      if (this.#state === 'escape') this.#state = 'string'
      else if (this.#state === 'string') {
        for (; index < length && bytes[index] !== quote && bytes[index] !== backslash; index += 1);
        if (index === length) break
        if (bytes[index] === backslash) this.#state = 'escape'
        else {
          this.#state = 'within'
          if (this.#depth === 0) return index + 1
        }
      } else if (this.#state === 'scalar') {
        if (endsScalar(byte)) return index
      } else if (byte === quote) this.#state = 'string'
      else if (byte === openBrace || byte === openBracket) this.#down(byte)
      else if (byte === closeBrace || byte === closeBracket) {
        if (!this.#up(byte)) return 'mismatched'
        if (this.#depth === 0) return index + 1
      } else if (byte === colon) this.colons += 1
      else if (this.#depth === 0) this.#state = 'scalar'
    }
    return this.#state === 'scalar' && atEnd ? length : 'incomplete'
  }

  #down(byte: number): void {
    this.#state = 'within'
    this.#depth += 1
    if (this.#depth > maxJsonDepth) this.isTooDeep = true
    else this.#open.push(byte)
  }

  #up(byte: number): boolean {
    this.#depth -= 1
    if (this.#depth < 0) return false
    if (this.#depth >= maxJsonDepth) return true
    return this.#open.pop() === byte - 2
  }
}
