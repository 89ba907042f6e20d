import type { CsvFormat } from './row.ts'

const carriageReturn = 0x0d
const lineFeed = 0x0a

/** The bytes that delimited text is cut at. */
export type CsvBytes = { delimiter: number; quote: number; newline: number }

export const csvBytes = ({
  delimiter,
  quote,
  newline,
}: Pick<CsvFormat, 'delimiter' | 'quote' | 'newline'>): CsvBytes => ({
  delimiter: delimiter.charCodeAt(0),
  quote: quote.charCodeAt(0),
  newline: newline.charCodeAt(0),
})

/** A row that was read: `end` is where its text ends, without the newline. It has no `cells` if text follows a closing quote. */
type CompleteRow = { cells: string[] | undefined; end: number }
/** A row whose end is not in the bytes yet. */
type IncompleteRow = { isInQuotes: boolean }

const incomplete = (isInQuotes: boolean): IncompleteRow => ({ isInQuotes })

/** Reads one row that has quotes. `isLast`: nothing comes after `bytes`. */
export const readCells = (
  bytes: Buffer,
  start: number,
  isLast: boolean,
  marks: CsvBytes,
): CompleteRow | IncompleteRow => {
  const { length } = bytes
  const cursor: Cursor = { bytes, isLast, at: start, cells: [], isBad: false }
  for (;;) {
    if (bytes[cursor.at] !== marks.quote) readPlainCell(cursor, marks)
    else {
      const cut = readQuotedCell(cursor, marks)
      if (cut) return cut
    }
    const { at } = cursor
    if (at >= length && !isLast) return incomplete(false)
    if (at >= length || bytes[at] === marks.newline) return { cells: cursor.isBad ? undefined : cursor.cells, end: at }
    cursor.at += 1
  }
}

/** Where a row is being read; after a cell, `at` is its delimiter, its newline, or the end of the bytes. */
type Cursor = { readonly bytes: Buffer; readonly isLast: boolean; at: number; readonly cells: string[]; isBad: boolean }

const readPlainCell = (cursor: Cursor, { delimiter, newline }: CsvBytes): void => {
  const { bytes, at: from } = cursor
  const { length } = bytes
  let at = from
  while (at < length && bytes[at] !== delimiter && bytes[at] !== newline) at += 1
  const isReturn = at > from && bytes[at - 1] === carriageReturn && newline === lineFeed && bytes[at] !== delimiter
  cursor.cells.push(bytes.toString('utf8', from, isReturn ? at - 1 : at))
  cursor.at = at
}

/** @returns an incomplete row if it cannot be known yet where the cell ends */
const readQuotedCell = (cursor: Cursor, marks: CsvBytes): IncompleteRow | undefined => {
  const { bytes, isLast, at: from } = cursor
  const { quote, newline } = marks
  const close = closingQuote(bytes, from + 1, quote)
  const isAtEnd = close.at + 1 === bytes.length
  if (close.at === -1 || (isAtEnd && !isLast)) return incomplete(true)
  const text = bytes.toString('utf8', from + 1, close.at)
  const mark = String.fromCharCode(quote)
  cursor.cells.push(close.isDoubled ? text.replaceAll(mark + mark, mark) : text)
  cursor.at = close.at + 1
  if (bytes[cursor.at] === carriageReturn && newline === lineFeed) {
    const isEnd = cursor.at + 1 === bytes.length
    if (isEnd && !isLast) return incomplete(false)
    if (isEnd || bytes[cursor.at + 1] === newline) cursor.at += 1
  }
  skipTextAfterQuote(cursor, marks)
  return undefined
}

const skipTextAfterQuote = (cursor: Cursor, { delimiter, newline }: CsvBytes): void => {
  const { bytes, at: from } = cursor
  if (from >= bytes.length || bytes[from] === delimiter || bytes[from] === newline) return
  cursor.isBad = true
  const end = bytes.indexOf(newline, from)
  cursor.at = end === -1 ? bytes.length : end
}

const closingQuote = (bytes: Buffer, from: number, quote: number): { at: number; isDoubled: boolean } => {
  let isDoubled = false
  for (let at = from; at < bytes.length; at += 1) {
    if (bytes[at] !== quote) continue
    if (bytes[at + 1] !== quote) return { at, isDoubled }
    isDoubled = true
    at += 1
  }
  return { at: -1, isDoubled }
}
