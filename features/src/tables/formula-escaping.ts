// Characters at which a spreadsheet begins a formula, including full-width ones (OWASP, CSV injection).
const start = String.raw`[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]`
// Characters that may stand before them. They contain no separator, so matching takes linear time.
const skipped = String.raw`['"\p{Zs}\uFEFF]*`
// Characters at which a program with another delimiter, or without quotes, splits a cell.
const separator = String.raw`[,;|\t\n\v\f\r\x85\u2028\u2029]`
// A formula begins with the text or after a separator. A tab or line break in front does not make the text harmless.
const formula = new RegExp(`(?<=^|${separator})(?=${skipped}${start})|^(?='*[\\t\\r\\n])`, 'gu')
const escaped = new RegExp(`(?<=^|${separator})'(?=${skipped}${start})|^'(?='*[\\t\\r\\n])`, 'gu')
// An apostrophe before a digit makes a spreadsheet show a number as text, so a text that begins so is escaped as well.
const apostrophes = /^(?='+\d)/
const textNumber = /^'(?='*\d)/
// How spreadsheets write text that looks like a number: `="01067"`.
const quotedText = /^="([^"]*)"$/
const negativeNumber = /^-\d+(\.\d+)?$/
const jsonString = /"(?:[^"\\]|\\.)*"/g
const jsonFormula = new RegExp(`(?<=(?:^"|${separator})${skipped})${start}`, 'gu')

/**
 * Puts an apostrophe before text that a spreadsheet would read as a formula, also where it would split the cell at another
 * delimiter: `=1+1` → `'=1+1`, `a;=1+1` → `a;'=1+1`. A number such as `-5` is unchanged.
 */
export const escapeFormula = (cell: string): string =>
  negativeNumber.test(cell) ? cell : cell.replace(apostrophes, "'").replace(formula, "'")

/** Removes the apostrophes of {@link escapeFormula}. Every text survives escaping and unescaping unchanged. */
export const unescapeFormula = (cell: string): string => cell.replace(textNumber, '').replace(escaped, '')

/** The text that a spreadsheet shows for a cell: `="01067"` and `'01067` → `01067`, and what {@link unescapeFormula} returns. */
export const plainText = (cell: string): string => quotedText.exec(cell)?.[1] ?? unescapeFormula(cell)

/**
 * Escapes formulas in JSON, which stays JSON with the same value: `{"a":"=1"}` → `{"a":"\u003d1"}`. {@link unescapeFormula} does
 * not change it.
 */
export const escapeFormulaInJson = (json: string): string =>
  json.replace(jsonString, (text) =>
    text.replace(jsonFormula, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
  )
