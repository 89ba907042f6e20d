import type { CsvFormat } from './row.ts'

const carriageReturn = 0x0d
const lineFeed = 0x0a

/** The bytes of the delimiter, the quote and the newline of a CSV file. */
export type CsvSyntax = { delimiter: number; quote: number; newline: number }

/** Returns the bytes of a format. */
export const csvSyntaxOf = ({
  delimiter,
  quote,
  newline,
}: Pick<CsvFormat, 'delimiter' | 'quote' | 'newline'>): CsvSyntax => ({
  delimiter: delimiter.charCodeAt(0),
  quote: quote.charCodeAt(0),
  newline: newline.charCodeAt(0),
})

/** A complete row. `end` is the index after its text, before the newline. `cells` is undefined if text follows a closing quote. */
type CompleteRow = { cells: string[] | undefined; end: number }
/** A row whose end has not been received yet. */
type IncompleteRow = { isInQuotes: boolean }

const incomplete = (isInQuotes: boolean): IncompleteRow => ({ isInQuotes })

/** Reads one row, in which cells may be quoted. @param isLast whether `bytes` ends with the last byte of the file */
export const readCells = (
  bytes: Buffer,
  start: number,
  isLast: boolean,
  syntax: CsvSyntax,
): CompleteRow | IncompleteRow => {
  const { length } = bytes
  const cursor: Cursor = { bytes, isLast, at: start, cells: [], isBad: false }
  for (;;) {
    if (bytes[cursor.at] !== syntax.quote) readPlainCell(cursor, syntax)
    else {
      const incompleteRow = readQuotedCell(cursor, syntax)
      if (incompleteRow) return incompleteRow
    }
    const { at } = cursor
    if (at >= length && !isLast) return incomplete(false)
    if (at >= length || bytes[at] === syntax.newline) return { cells: cursor.isBad ? undefined : cursor.cells, end: at }
    cursor.at += 1
  }
}

/** The state of reading a row. After a cell, `at` is at the delimiter, the newline or the end of the bytes. */
type Cursor = { readonly bytes: Buffer; readonly isLast: boolean; at: number; readonly cells: string[]; isBad: boolean }

const readPlainCell = (cursor: Cursor, { delimiter, newline }: CsvSyntax): void => {
  const { bytes, at: from } = cursor
  const { length } = bytes
  let at = from
  while (at < length && bytes[at] !== delimiter && bytes[at] !== newline) at += 1
  const isReturn = at > from && bytes[at - 1] === carriageReturn && newline === lineFeed && bytes[at] !== delimiter
  cursor.cells.push(bytes.toString('utf8', from, isReturn ? at - 1 : at))
  cursor.at = at
}

/** Reads a quoted cell. @returns an incomplete row if the end of the cell has not been received yet */
const readQuotedCell = (cursor: Cursor, syntax: CsvSyntax): IncompleteRow | undefined => {
  const { bytes, isLast, at: from } = cursor
  const { quote, newline } = syntax
  const close = closingQuote(bytes, from + 1, quote)
  const isAtEnd = close.at + 1 === bytes.length
  if (close.at === -1 || (isAtEnd && !isLast)) return incomplete(true)
  const text = bytes.toString('utf8', from + 1, close.at)
  const quoteText = String.fromCharCode(quote)
  cursor.cells.push(close.isDoubled ? text.replaceAll(quoteText + quoteText, quoteText) : text)
  cursor.at = close.at + 1
  if (bytes[cursor.at] === carriageReturn && newline === lineFeed) {
    const isEnd = cursor.at + 1 === bytes.length
    if (isEnd && !isLast) return incomplete(false)
    if (isEnd || bytes[cursor.at + 1] === newline) cursor.at += 1
  }
  skipTextAfterQuote(cursor, syntax)
  return undefined
}

const skipTextAfterQuote = (cursor: Cursor, { delimiter, newline }: CsvSyntax): void => {
  const { bytes, at: from } = cursor
  if (from >= bytes.length || bytes[from] === delimiter || bytes[from] === newline) return
  cursor.isBad = true
  const end = bytes.indexOf(newline, from)
  cursor.at = end === -1 ? bytes.length : end
}

/** Finds the closing quote; `at` is -1 if there is none. `isDoubled`: the cell contains a quote, written twice. */
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
