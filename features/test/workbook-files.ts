import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import { detectTable } from '../src/tables/format-detection.ts'
import { openArchive } from '../src/tables/workbook/archive.ts'
import { openPackedTable, type PackedInfo } from '../src/tables/workbook/packed-table.ts'
import { collect, readAll } from './table-files.ts'

/** Packs files in a ZIP archive, in their order. */
export const packFiles = (files: Record<string, string | Uint8Array>, compress = true): Promise<Buffer> => {
  const zip = new ZipFile()
  for (const [name, content] of Object.entries(files)) {
    if (name.endsWith('/')) zip.addEmptyDirectory(name)
    else zip.addBuffer(Buffer.from(content), name, { compress })
  }
  zip.end()
  return collect(zip.outputStream as Readable)
}

const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const relationship = (id: string, type: string, target: string): string =>
  `<Relationship Id="${id}" Type="${office}/${type}" Target="${target}"/>`
const relationships = (...all: string[]): string => `<Relationships>${all.join('')}</Relationships>`

/** `rows` is the XML of the rows of a sheet. */
export type SheetParts = { name?: string; state?: string; rows: string }
export type WorkbookParts = {
  sheets: SheetParts[]
  /** The XML of the shared texts. */
  strings?: string
  /** The codes of number formats. A cell with `s="1"` has the first one. */
  formats?: string[]
  isFrom1904?: boolean
  /** Parts to add or to replace. */
  parts?: Record<string, string | Uint8Array>
}

/** Creates a workbook from the XML of its parts, as other programs write it. */
export const makeWorkbook = ({
  sheets,
  strings,
  formats = [],
  isFrom1904 = false,
  parts,
}: WorkbookParts): Promise<Buffer> => {
  const list = sheets.map(
    ({ name = 'Sheet1', state = 'visible' }, index) =>
      `<sheet name="${name}" sheetId="${index + 1}" state="${state}" r:id="rId${index + 1}"/>`,
  )
  const targets = sheets.map((_, index) =>
    relationship(`rId${index + 1}`, 'worksheet', `worksheets/sheet${index + 1}.xml`),
  )
  const numFmts = formats.map(
    (code, index) =>
      `<numFmt numFmtId="${200 + index}" formatCode="${code.replaceAll('"', '&quot;').replaceAll('<', '&lt;')}"/>`,
  )
  const xfs = formats.map((_, index) => `<xf numFmtId="${200 + index}"/>`)
  return packFiles({
    '[Content_Types].xml': '<Types/>',
    '_rels/.rels': relationships(relationship('rId1', 'officeDocument', 'xl/workbook.xml')),
    'xl/workbook.xml': `<workbook xmlns="${main}" xmlns:r="${office}"><workbookPr date1904="${isFrom1904}"/><sheets>${list.join('')}</sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relationships(
      ...targets,
      relationship('rIdA', 'sharedStrings', '/xl/sharedStrings.xml'),
      relationship('rIdB', 'styles', 'styles.xml'),
    ),
    ...Object.fromEntries(
      sheets.map(({ rows }, index) => [
        `xl/worksheets/sheet${index + 1}.xml`,
        `<?xml version="1.0" encoding="UTF-8"?>\n<worksheet xmlns="${main}"><sheetData>${rows}</sheetData></worksheet>`,
      ]),
    ),
    ...(strings !== undefined && { 'xl/sharedStrings.xml': `<sst xmlns="${main}">${strings}</sst>` }),
    'xl/styles.xml': `<styleSheet><numFmts>${numFmts.join('')}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/>${xfs.join('')}</cellXfs></styleSheet>`,
    ...parts,
  })
}

/** The text of a member of an archive. */
export const readMember = async (bytes: Uint8Array, name: string): Promise<string> =>
  withFile(bytes, async (path) => {
    const archive = await openArchive(path, { maxBytes: 50 << 20, packedBytes: bytes.length })
    const text = (await collect(archive.read(name))).toString()
    archive.close()
    return text
  })

const withFile = async <T>(bytes: Uint8Array, work: (path: string, folder: string) => Promise<T>): Promise<T> => {
  const folder = await mkdtemp(join(tmpdir(), 'clientele-test-'))
  try {
    const path = join(folder, 'archive')
    await writeFile(path, bytes)
    return await work(path, folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Unpacks an archive in this process. @returns what it is, and its table as text */
export const unpack = (
  bytes: Uint8Array,
  { sheet, maxBytes = 50 << 20 }: { sheet?: string; maxBytes?: number } = {},
): Promise<{ info: PackedInfo; text: string }> =>
  withFile(bytes, async (path, folder) => {
    const table = await openPackedTable(path, { sheet, folder, maxBytes })
    try {
      return { info: table.info, text: (await collect(table.bytes)).toString() }
    } finally {
      table.close()
    }
  })

/** The rows of a sheet by column, as an import reads them. The first row names the columns. */
export const readSheetRows = async (
  bytes: Uint8Array,
  options: { sheet?: string; maxBytes?: number } = {},
): Promise<Record<string, unknown>[]> => {
  const text = Buffer.from((await unpack(bytes, options)).text)
  const { format } = detectTable(text, true, { format: 'csv', delimiter: ',', quote: '"', header: true })
  return (await readAll(text, format)).map(({ values }) => ({ ...values }))
}
