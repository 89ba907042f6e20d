import { cellText, plainCellText } from '../cell.ts'
import { plainText } from '../formula-escaping.ts'
import { cellStyles, decimalStyles, xmlHead } from './workbook-xml.ts'

/** The number of rows of a sheet of Excel, with its header. */
export const maxSheetRows = 1_048_576
/** The number of characters of a cell of Excel. */
const maxTextLength = 32_767

/** Thrown for a text that a cell of a workbook cannot hold. */
export class CellTooLong extends Error {
  override name = 'CellTooLong'
  constructor(column: string) {
    super(
      `${column} of a row has more than ${maxTextLength} characters, which a cell of a workbook cannot hold; choose CSV or JSON`,
    )
  }
}

/** The reference of the column with this index: 27 → `AB`. */
const columnName = (index: number): string =>
  index < 26 ? String.fromCharCode(65 + index) : columnName(Math.floor(index / 26) - 1) + columnName(index % 26)

const special: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
// biome-ignore lint/suspicious/noControlCharactersInRegex: characters that XML cannot hold
const unsafe = /[&<>]|[\0-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[\da-f]{4}_)/gi

const escapeCharacter = (character: string): string =>
  special[character] ?? `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`

/** Escapes a text for XML. What XML cannot hold is written as `_x000D_`, as spreadsheets do. */
const escapeXml = (text: string): string => text.toWellFormed().replace(unsafe, escapeCharacter)

/** The text of a cell. It has no apostrophe, except where an import would take one away. */
const sheetText = (value: unknown): string => {
  const text = plainCellText(value)
  return plainText(text) === text ? text : cellText(value)
}

const decimal = /^-?\d{1,15}(?:\.(\d{1,4}))?$/

type SheetOptions = {
  columns: readonly string[]
  numbers?: readonly string[] | undefined
  cutsLongTexts?: boolean | undefined
}

/** Creates the XML of a sheet: `head` with the row of column names, then that of each row, then `tail`. */
export const createSheetXml = ({ columns, numbers = [], cutsLongTexts = false }: SheetOptions) => {
  const references = columns.map((_, index) => columnName(index))
  const isDecimal = columns.map((column) => numbers.includes(column))
  let rowNumber = 0

  const textCell = (text: string, column: number, style: number): string => {
    if (text.length > maxTextLength && !cutsLongTexts) throw new CellTooLong(columns[column] ?? '')
    const content = escapeXml(text.length > maxTextLength ? text.slice(0, maxTextLength) : text)
    const space = /^\s|\s$/.test(content) ? ' xml:space="preserve"' : ''
    return `<c r="${references[column]}${rowNumber}" s="${style}" t="inlineStr"><is><t${space}>${content}</t></is></c>`
  }
  const decimalCell = (text: string, column: number): string | undefined => {
    const found = decimal.exec(text)
    if (!found || text.replace(/\D/g, '').length > 15) return undefined
    return `<c r="${references[column]}${rowNumber}" s="${decimalStyles[found[1]?.length ?? 0]}"><v>${text}</v></c>`
  }
  const cell = (value: unknown, column: number): string => {
    if (value === null || value === undefined || value === '') return ''
    if (typeof value === 'number' && Number.isFinite(value))
      return `<c r="${references[column]}${rowNumber}"><v>${value}</v></c>`
    if (typeof value === 'boolean') return `<c r="${references[column]}${rowNumber}" t="b"><v>${value ? 1 : 0}</v></c>`
    const number = isDecimal[column] && typeof value === 'string' ? decimalCell(value, column) : undefined
    return number ?? textCell(sheetText(value), column, cellStyles.text)
  }
  const row = (cells: readonly string[]): string => `<row r="${rowNumber}">${cells.join('')}</row>`

  rowNumber = 1
  const header = row(columns.map((column, index) => textCell(column, index, cellStyles.header)))
  return {
    head: `${xmlHead}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols><col min="1" max="${Math.max(columns.length, 1)}" width="20" customWidth="1"/></cols><sheetData>${header}`,
    row: (values: Record<string, unknown>): string => {
      rowNumber += 1
      return row(columns.map((column, index) => cell(values[column], index)))
    },
    // Without it, spreadsheets mark texts of digits, such as postal codes, as mistakes.
    tail: '</sheetData><ignoredErrors><ignoredError sqref="A1:XFD1048576" numberStoredAsText="1"/></ignoredErrors></worksheet>',
  }
}
