const carriageReturn = 0x0d
const newlineByte = 0x0a

/** `end` is where the row's text ends, its newline not included; -1 where it is not complete. */
type FoundCells = { cells?: string[] | undefined; end: number; inQuotes: boolean }

const incomplete = (inQuotes: boolean): FoundCells => ({ end: -1, inQuotes })

/** Reads one row that has quotes. No `cells` but an `end` where text follows a closing quote. */
export const readCells = (
  bytes: Buffer,
  start: number,
  atEnd: boolean,
  delimiter: number,
  quote: number,
  newline: number,
): FoundCells => {
  const cells: string[] = []
  const { length } = bytes
  let at = start
  let bad = false
  for (;;) {
    if (bytes[at] === quote) {
      const close = closingQuote(bytes, at + 1, quote)
      if (close.at === -1 || (close.at + 1 === length && !atEnd)) return incomplete(true)
      const text = bytes.toString('utf8', at + 1, close.at)
      const mark = String.fromCharCode(quote)
      cells.push(close.doubled ? text.replaceAll(mark + mark, mark) : text)
      at = close.at + 1
      if (bytes[at] === carriageReturn && newline === newlineByte) {
        if (at + 1 === length && !atEnd) return incomplete(false)
        if (at + 1 === length || bytes[at + 1] === newline) at += 1
      }
      if (at < length && bytes[at] !== delimiter && bytes[at] !== newline) {
        bad = true
        while (at < length && bytes[at] !== newline) at += 1
      }
    } else {
      const from = at
      while (at < length && bytes[at] !== delimiter && bytes[at] !== newline) at += 1
      const isReturn =
        at > from && bytes[at - 1] === carriageReturn && newline === newlineByte && bytes[at] !== delimiter
      cells.push(bytes.toString('utf8', from, isReturn ? at - 1 : at))
    }
    if (at >= length) {
      if (!atEnd) return incomplete(false)
      return { cells: bad ? undefined : cells, end: length, inQuotes: false }
    }
    if (bytes[at] === newline) return { cells: bad ? undefined : cells, end: at, inQuotes: false }
    at += 1
  }
}

const closingQuote = (bytes: Buffer, from: number, quote: number): { at: number; doubled: boolean } => {
  let doubled = false
  for (let at = from; at < bytes.length; at += 1) {
    if (bytes[at] !== quote) continue
    if (bytes[at + 1] !== quote) return { at, doubled }
    doubled = true
    at += 1
  }
  return { at: -1, doubled }
}
