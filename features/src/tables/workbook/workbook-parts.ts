import { posix } from 'node:path'
import { FileError } from '../row.ts'
import type { Archive } from './archive.ts'
import { parseXml } from './xml-parser.ts'

/** A worksheet. `part` is the member of the archive that has its cells. */
export type Sheet = { name: string; part: string; isHidden: boolean }

/** The parts of a workbook that its cells need. Sheets are in the order of their tabs. */
export type WorkbookParts = {
  sheets: Sheet[]
  /** Whether days are counted from 1904, as older versions of Excel for Mac do. */
  isFrom1904: boolean
  sharedStrings: string | undefined
  styles: string | undefined
}

type Relationship = { id: string; type: string; target: string }

const maxSheets = 1_000
const maxNameLength = 100

const relationshipsOf = (part: string): string =>
  posix.join(posix.dirname(part), '_rels', `${posix.basename(part)}.rels`)

/** Reads what a part refers to within the archive. Links to other files are left out. */
const readRelationships = async (archive: Archive, part: string): Promise<Relationship[]> => {
  const relationships: Relationship[] = []
  const name = part === '' ? '_rels/.rels' : relationshipsOf(part)
  if (!archive.has(name)) return []
  const open = (element: string, { Id = '', Type = '', Target = '', TargetMode }: Record<string, string>): void => {
    if (element !== 'Relationship' || TargetMode === 'External' || relationships.length >= maxSheets * 2) return
    const target = posix.normalize(Target.startsWith('/') ? Target : posix.join(posix.dirname(part), Target))
    relationships.push({ id: Id, type: posix.basename(Type), target: target.replace(/^\/+/, '') })
  }
  await parseXml(archive.read(name), { open }, name)
  return relationships
}

/** The member that describes the document of an Office file: `xl/workbook.xml` in a workbook. Undefined in other archives. */
export const findDocumentPart = async (archive: Archive): Promise<string | undefined> => {
  const relationships = await readRelationships(archive, '')
  return relationships.find(({ type }) => type === 'officeDocument')?.target
}

/** A name that is shown and stored, without characters that a database refuses. */
export const cleanName = (name: string): string => name.replace(/[\p{Cc}\p{Cs}]/gu, '').slice(0, maxNameLength)

/**
 * Reads the list of sheets, and where their texts and formats are.
 * @param part the result of {@link findDocumentPart}
 * @throws FileError
 */
export const readWorkbookParts = async (archive: Archive, part: string): Promise<WorkbookParts> => {
  const relationships = await readRelationships(archive, part)
  const targetOf = (type: string): string | undefined =>
    relationships.find((each) => each.type === type && archive.has(each.target))?.target
  const sheets: Sheet[] = []
  let isFrom1904 = false
  const open = (element: string, attributes: Record<string, string>): void => {
    if (element === 'workbookPr') isFrom1904 = /^(1|true)$/.test(attributes['date1904'] ?? '')
    if (element !== 'sheet' || sheets.length >= maxSheets) return
    const id = Object.entries(attributes).find(([key]) => key === 'id' || key.endsWith(':id'))?.[1]
    // Sheets of charts have no cells.
    const found = relationships.find((each) => each.id === id && each.type === 'worksheet')
    if (!found) return
    const isHidden = (attributes['state'] ?? 'visible') !== 'visible'
    sheets.push({ name: cleanName(attributes['name'] ?? ''), part: found.target, isHidden })
  }
  await parseXml(archive.read(part), { open }, part)
  return { sheets, isFrom1904, sharedStrings: targetOf('sharedStrings'), styles: targetOf('styles') }
}

/**
 * Finds a sheet by its name, or by its number from 1. Without either, returns the first one that is not hidden.
 * @throws FileError `unknown_sheet`
 */
export const findSheet = (sheets: readonly Sheet[], wanted: string | undefined): Sheet => {
  const names = sheets.map(({ name }) => JSON.stringify(name)).slice(0, 20)
  const found =
    wanted === undefined
      ? (sheets.find(({ isHidden }) => !isHidden) ?? sheets[0])
      : (sheets.find(({ name }) => name === wanted) ??
        sheets.find(({ name }) => name.toLowerCase() === wanted.trim().toLowerCase()) ??
        (/^\d{1,4}$/.test(wanted) ? sheets[Number(wanted) - 1] : undefined))
  if (found) return found
  throw wanted === undefined
    ? new FileError('no_columns', 'the workbook has no sheet with cells')
    : new FileError('unknown_sheet', `must be a sheet of the workbook: ${names.join(', ')}`)
}
