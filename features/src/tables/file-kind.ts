type Kind = { test: (beginning: Buffer) => boolean; name: string; fix: string }

const saveAsCsv = 'save it as CSV (UTF-8), and send that'
const startsWith =
  (...bytes: number[]) =>
  (beginning: Buffer): boolean =>
    beginning.subarray(0, bytes.length).equals(Buffer.from(bytes))
const matches =
  (pattern: RegExp) =>
  (beginning: Buffer): boolean =>
    pattern.test(beginning.toString('latin1', 0, 1_000))
const isZip = startsWith(0x50, 0x4b, 0x03, 0x04)
/** The name of a member is in plain text, and the first one of a document says what it is. */
const zipWith =
  (name: RegExp) =>
  (beginning: Buffer): boolean =>
    isZip(beginning) && matches(name)(beginning)

// By the first bytes, the more exact ones first.
const kinds: readonly Kind[] = [
  { test: zipWith(/\[Content_Types\]\.xml|_rels\/|xl\//), name: 'an Excel workbook', fix: saveAsCsv },
  { test: zipWith(/opendocument\.spreadsheet/), name: 'an OpenDocument spreadsheet', fix: saveAsCsv },
  { test: isZip, name: 'a ZIP archive', fix: 'unpack it, and send the table that is in it' },
  { test: startsWith(0xd0, 0xcf, 0x11, 0xe0), name: 'an old Excel workbook', fix: saveAsCsv },
  { test: startsWith(0x25, 0x50, 0x44, 0x46), name: 'a PDF', fix: 'export the table as CSV, and send that' },
  { test: startsWith(0x89, 0x50, 0x4e, 0x47), name: 'a picture', fix: 'send a table' },
  { test: startsWith(0xff, 0xd8, 0xff), name: 'a picture', fix: 'send a table' },
  { test: matches(/^\s*<(!doctype html|html|head|table|\?xml)/i), name: 'a web page or XML', fix: saveAsCsv },
  { test: matches(/^\{\\rtf/), name: 'a text document', fix: saveAsCsv },
]

/**
 * What a file is that is not a table, and what to do about it: `an Excel workbook; save it as CSV (UTF-8), and send that`. Undefined
 * for everything else.
 * @param beginning the first bytes; 1,000 are enough
 */
export const describeOtherFile = (beginning: Buffer): string | undefined => {
  const kind = kinds.find(({ test }) => test(beginning.subarray(beginning[0] === 0xef ? 3 : 0)))
  return kind && `${kind.name}; ${kind.fix}`
}
