import { defaultReadLimits, FileError } from '../row.ts'
import type { CellFormats } from './cell-formats.ts'
import { decodeEscapes, type SharedStrings } from './shared-strings.ts'
import { createXmlParser } from './xml-parser.ts'

/** The size of a sheet of Excel. */
const maxRows = 1_048_576
const maxColumns = 16_384

/** What a cell with a formula shows that was never calculated, because the program that wrote it does not calculate. */
export const uncalculated = '#UNCALCULATED!'

/** Looks up the texts and the formats that cells name. */
export type CellContext = { strings: Pick<SharedStrings, 'get'> | undefined; formats: CellFormats }

/** The index of the column of `B7`: 1. @returns `fallback` if there is no reference */
const columnOf = (reference: string | undefined, fallback: number): number => {
  if (reference === undefined) return fallback
  let column = 0
  for (let at = 0; at < 4; at += 1) {
    const letter = reference.charCodeAt(at) & 0xdf
    if (!(letter >= 0x41 && letter <= 0x5a)) break
    column = column * 26 + letter - 0x40
  }
  return column === 0 ? fallback : column - 1
}

/**
 * Parses the cells of a sheet that arrives in chunks. `take` returns the rows that are complete, as texts; a cell that is missing is
 * empty. `done` is set after the last row.
 */
export class SheetParser {
  done = false
  readonly #context: CellContext
  readonly #parser: ReturnType<typeof createXmlParser>
  #rows: string[][] = []
  #rowNumber = 0
  #cells: string[] = []
  #rowLength = 0
  #column = -1
  #type = ''
  #style: string | undefined
  #hasFormula = false
  #value = ''
  #isValue = false
  #isPhonetic = false

  constructor(context: CellContext) {
    this.#context = context
    this.#parser = createXmlParser(
      {
        open: (name, attributes) => this.#open(name, attributes),
        text: (text) => {
          if (this.#isValue && this.#value.length <= defaultReadLimits.cellLength) this.#value += text
        },
        close: (name) => this.#close(name),
      },
      'sheet',
    )
  }

  write(chunk: Buffer): void {
    this.#parser.write(chunk)
  }

  take(): string[][] {
    const rows = this.#rows
    this.#rows = []
    return rows
  }

  #open(name: string, attributes: Record<string, string>): void {
    if (name === 'c') this.#openCell(attributes)
    else if (name === 'v') this.#isValue = true
    else if (name === 't') this.#isValue = !this.#isPhonetic
    else if (name === 'row') this.#openRow(attributes)
    else if (name === 'f') this.#hasFormula = true
    else if (name === 'rPh') this.#isPhonetic = true
  }

  #close(name: string): void {
    if (name === 'c') this.#closeCell()
    else if (name === 'v' || name === 't') this.#isValue = false
    else if (name === 'row') this.#rows.push(this.#cells)
    else if (name === 'rPh') this.#isPhonetic = false
    else if (name === 'sheetData') this.done = true
  }

  // Rows without cells may be missing. They are kept, so that rows have the numbers that a spreadsheet shows.
  #openRow({ r }: Record<string, string>): void {
    const number = Math.max(Number(r ?? 0) || 0, this.#rowNumber + 1)
    if (!(number <= maxRows))
      throw new FileError('bad_archive', `the workbook is damaged: a row has the number ${number}`)
    for (let missing = this.#rowNumber + 1; missing < number; missing += 1) this.#rows.push([])
    this.#rowNumber = number
    this.#cells = []
    this.#rowLength = 0
    this.#column = -1
  }

  #openCell({ r, t = 'n', s }: Record<string, string>): void {
    this.#column = columnOf(r, this.#column + 1)
    if (this.#column >= maxColumns)
      throw new FileError('too_many_columns', `the sheet has more than ${maxColumns} columns`, { row: this.#rowNumber })
    this.#type = t
    this.#style = s
    this.#hasFormula = false
    this.#value = ''
  }

  #closeCell(): void {
    const text = this.#textOfCell()
    if (text === '') return
    this.#rowLength += text.length
    if (this.#rowLength > defaultReadLimits.rowBytes / 4)
      throw new FileError('row_too_long', `row ${this.#rowNumber} of the sheet has too much text`, {
        row: this.#rowNumber,
      })
    // One cell too many is enough for an error that says so.
    const column = Math.min(this.#column, defaultReadLimits.columns)
    while (this.#cells.length < column) this.#cells.push('')
    this.#cells[column] = text
  }

  #textOfCell(): string {
    const value = this.#value
    switch (this.#type) {
      case 's':
        return value === '' ? '' : this.#sharedText(value)
      case 'inlineStr':
      case 'str':
        return decodeEscapes(value)
      case 'b':
        return value === '' ? '' : String(value === '1' || value === 'true')
      case 'e':
        return value
      case 'd':
        return value.replace(/T00:00(:00(\.0+)?)?Z?$/, '')
      default:
        if (value === '') return this.#hasFormula ? uncalculated : ''
        return this.#context.formats(this.#style)(value)
    }
  }

  #sharedText(index: string): string {
    const text = this.#context.strings?.get(Number(index))
    if (text === undefined)
      throw new FileError('bad_archive', `the workbook is damaged: row ${this.#rowNumber} has a text that is missing`)
    return text
  }
}
