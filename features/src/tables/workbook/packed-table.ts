import { createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { prepend } from '../decoding/byte-streams.ts'
import { FileError } from '../row.ts'
import { type Archive, openArchive } from './archive.ts'
import { cleanName, findDocumentPart } from './workbook-parts.ts'
import { readWorkbook, type WorkbookInfo } from './workbook-text.ts'

/** What was in an archive: a sheet of a workbook, or a file that is a table. `member` is the name of that file. */
export type PackedInfo = { workbook?: WorkbookInfo; member?: string }

/** The table of an archive: CSV in UTF-8 if it is a sheet, else the bytes of the file as they are. */
export type PackedTable = { info: PackedInfo; bytes: AsyncGenerator<Buffer, void, void>; close(): void }

/** `sheet` is the name or the number of a sheet. `folder` is for temporary files, which the caller removes. */
export type UnpackOptions = { sheet: string | undefined; folder: string; maxBytes: number }

/** A sheet is up to four times as long in XML as in CSV. */
const xmlBytesPerByte = 4
const tables = /\.(csv|tsv|tab|json|ndjson|jsonl|xlsx|xlsm|vcf|gz)$/i
const texts = /\.txt$/i

const unknownFormat = (kind: string, fix: string): FileError =>
  new FileError('unknown_format', `the file is ${kind}; ${fix}`)

const saveAsWorkbook = 'save it as an Excel workbook (.xlsx) or as CSV, and send that'

/** Why an archive that is a document cannot be read; undefined if it is a workbook or just an archive. */
const describeDocument = async (archive: Archive, part: string | undefined): Promise<FileError | undefined> => {
  if (part?.startsWith('word/')) return unknownFormat('a Word document', saveAsWorkbook)
  if (part?.startsWith('ppt/')) return unknownFormat('a presentation', 'send a table')
  if (part?.endsWith('.bin')) return unknownFormat('a binary Excel workbook (.xlsb)', saveAsWorkbook)
  if (archive.names.some((name) => name.endsWith('.iwa')))
    return unknownFormat('an Apple Numbers document', 'export it as Excel or CSV, and send that')
  if (!archive.has('mimetype') || !archive.has('content.xml')) return undefined
  return unknownFormat('an OpenDocument file, such as .ods', saveAsWorkbook)
}

// What macOS and Windows add to archives, and hidden files.
const isAdded = (name: string): boolean => /(^|\/)(__MACOSX\/|\.|Thumbs\.db$|desktop\.ini$)/i.test(name)

/** Finds the one table of an archive. @throws FileError if there is none, or more than one */
const findMember = ({ names }: Archive): string => {
  const files = names.filter((name) => !isAdded(name))
  const found = [tables, texts]
    .map((pattern) => files.filter((name) => pattern.test(name)))
    .find(({ length }) => length > 0)
  const candidates = found ?? (files.length === 1 ? files : [])
  const [first] = candidates
  const list = (found ?? files).slice(0, 10).map((name) => JSON.stringify(name.slice(0, 100)))
  if (candidates.length > 1)
    throw new FileError(
      'several_tables',
      `the archive has ${candidates.length} tables (${list.join(', ')}); send one of them`,
    )
  if (first !== undefined) return first
  throw unknownFormat(
    list.length === 0 ? 'an empty archive' : `an archive without a table (${list.join(', ')})`,
    'send a table',
  )
}

type Opened = { info: PackedInfo; bytes: AsyncGenerator<Buffer, void, void> }

/** Opens a sheet of a workbook. @returns undefined if the archive is no document */
const openSheet = async (archive: Archive, { sheet, folder }: UnpackOptions): Promise<Opened | undefined> => {
  const part = await findDocumentPart(archive)
  const reason = await describeDocument(archive, part)
  if (reason) throw reason
  if (part === undefined) return undefined
  const { info, text } = await readWorkbook(archive, { part, wanted: sheet, folder })
  return { info: { workbook: info }, bytes: text }
}

/** Whether a file with these first bytes is a ZIP archive. An empty one has nothing but its end. */
export const isZip = (beginning: Uint8Array): boolean =>
  beginning[0] === 0x50 &&
  beginning[1] === 0x4b &&
  ((beginning[2] === 3 && beginning[3] === 4) || (beginning[2] === 5 && beginning[3] === 6))

/**
 * Opens the table that is in a ZIP archive: a sheet if the archive is a workbook, else the one file that is a table.
 * @throws FileError, also while `bytes` is read
 */
export const openPackedTable = async (path: string, options: UnpackOptions): Promise<PackedTable> => {
  const archives: Archive[] = []
  const open = async (file: string): Promise<Archive> => {
    const limits = { maxBytes: options.maxBytes * xmlBytesPerByte, packedBytes: (await stat(file)).size }
    const archive = await openArchive(file, limits)
    archives.push(archive)
    return archive
  }
  // A workbook needs a file of its own, because it is an archive itself.
  const openInnerWorkbook = async (bytes: AsyncIterable<Buffer>): Promise<Opened> => {
    const innerPath = join(options.folder, 'member')
    await pipeline(bytes, createWriteStream(innerPath, { flags: 'wx', mode: 0o600 }))
    const opened = await openSheet(await open(innerPath), options)
    if (!opened) throw unknownFormat('an archive within an archive', 'unpack it, and send the table')
    return opened
  }
  const openMember = async (archive: Archive): Promise<Opened> => {
    const name = findMember(archive)
    const source = archive.read(name)
    const { value: first = Buffer.alloc(0) } = await source.next()
    const bytes = prepend(first, source)
    const opened: Opened = isZip(first) ? await openInnerWorkbook(bytes) : { info: {}, bytes }
    return { ...opened, info: { ...opened.info, member: cleanName(basename(name)) } }
  }
  const close = (): void => {
    for (const archive of archives) archive.close()
  }
  try {
    const archive = await open(path)
    return { ...((await openSheet(archive, options)) ?? (await openMember(archive))), close }
  } catch (error) {
    close()
    throw error
  }
}
