import { createShowNumber, plainNumber, type ShowNumber } from './shown-number.ts'
import { parseXml } from './xml-parser.ts'

/** Returns how the numbers of a cell style are shown. */
export type CellFormats = (style: string | undefined) => ShowNumber

const maxStyles = 100_000

/** The formats that workbooks name by their number only (ECMA-376, part 1, 18.8.30). */
const builtInFormats: Record<string, string> = {
  1: '0',
  2: '0.00',
  3: '#,##0',
  4: '#,##0.00',
  9: '0%',
  10: '0.00%',
  18: 'h:mm AM/PM',
  19: 'h:mm:ss AM/PM',
  20: 'h:mm',
  21: 'h:mm:ss',
  22: 'm/d/yyyy h:mm',
  37: '#,##0',
  38: '#,##0',
  39: '#,##0.00',
  40: '#,##0.00',
  41: '#,##0',
  42: '#,##0',
  43: '#,##0.00',
  44: '#,##0.00',
  45: 'mm:ss',
  46: '[h]:mm:ss',
  47: 'mm:ss.0',
}
// Their order of day, month and year depends on the language; those from 27 on are East Asian.
const isBuiltInDate = (id: number): boolean =>
  (id >= 14 && id <= 17) || (id >= 27 && id <= 36) || (id >= 50 && id <= 58)

const builtInFormat = (id: string): string =>
  builtInFormats[id] ?? (isBuiltInDate(Number(id)) ? 'yyyy-mm-dd' : 'General')

/** The cell formats of a workbook without styles: all numbers are shown as they are. */
export const plainFormats: CellFormats = () => plainNumber

/** Reads the number formats of the cell styles. @throws FileError */
export const readCellFormats = async (source: AsyncIterable<Buffer>, isFrom1904: boolean): Promise<CellFormats> => {
  const patterns = new Map<string, string>()
  const formatIds: string[] = []
  const shown = new Map<string, ShowNumber>()
  let isCellFormats = false
  const open = (name: string, { numFmtId = '0', formatCode = '' }: Record<string, string>): void => {
    if (name === 'cellXfs') isCellFormats = true
    else if (name === 'numFmt' && patterns.size < maxStyles) patterns.set(numFmtId, formatCode)
    else if (name === 'xf' && isCellFormats && formatIds.length < maxStyles) formatIds.push(numFmtId)
  }
  const close = (name: string): void => {
    if (name === 'cellXfs') isCellFormats = false
  }
  await parseXml(source, { open, close }, 'styles')
  return (style) => {
    const id = style === undefined ? undefined : formatIds[Number(style)]
    if (id === undefined || id === '0') return plainNumber
    const known = shown.get(id)
    if (known) return known
    const pattern = patterns.get(id) ?? builtInFormat(id)
    const showNumber = createShowNumber(pattern, isFrom1904)
    shown.set(id, showNumber)
    return showNumber
  }
}
