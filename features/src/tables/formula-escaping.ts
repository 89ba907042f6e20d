// What a spreadsheet takes for the beginning of a formula, full-width forms included (OWASP, CSV injection).
const dangerous = /^'*[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/
const negativeNumber = /^-\d+(\.\d+)?$/
const escaped = /^'+[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/

/** Puts an apostrophe in front of what a spreadsheet would take for a formula; `+254…` is one, a negative number is none. */
export const escapeFormula = (cell: string): string =>
  dangerous.test(cell) && !negativeNumber.test(cell) ? `'${cell}` : cell

/** Takes the apostrophe of {@link escapeFormula} away: every text comes back as it was. */
export const unescapeFormula = (cell: string): string =>
  cell.charCodeAt(0) === 0x27 && escaped.test(cell) ? cell.slice(1) : cell
