type Kind = { test: (beginning: Buffer) => boolean; name: string; fix: string }

const saveAsCsv = 'save it as CSV (UTF-8), and send that'
const saveAsWorkbook = 'save it as .xlsx or CSV, and send that'
const removePassword = 'remove its password in the spreadsheet program, save it, and send that'
const startsWith =
  (...bytes: number[]) =>
  (beginning: Buffer): boolean =>
    beginning.subarray(0, bytes.length).equals(Buffer.from(bytes))
const matches =
  (pattern: RegExp) =>
  (beginning: Buffer): boolean =>
    pattern.test(beginning.toString('latin1', 0, 1_000))
const isOldOffice = startsWith(0xd0, 0xcf, 0x11, 0xe0)
/** Whether an old Office document has a stream of this name. Names are in UTF-16. */
const oldOfficeWith =
  (name: string) =>
  (beginning: Buffer): boolean =>
    isOldOffice(beginning) && beginning.includes(Buffer.from(name, 'utf16le'))

// By the first bytes, the more exact ones first.
const kinds: readonly Kind[] = [
  { test: oldOfficeWith('EncryptedPackage'), name: 'a workbook with a password', fix: removePassword },
  { test: oldOfficeWith('Workbook'), name: 'an old Excel workbook (.xls)', fix: saveAsWorkbook },
  {
    test: isOldOffice,
    name: 'an old Office document (.xls), or a workbook with a password',
    fix: 'save it as .xlsx without a password, or as CSV, and send that',
  },
  { test: startsWith(0x25, 0x50, 0x44, 0x46), name: 'a PDF', fix: 'export the table as CSV, and send that' },
  { test: startsWith(0x89, 0x50, 0x4e, 0x47), name: 'a picture', fix: 'send a table' },
  { test: startsWith(0xff, 0xd8, 0xff), name: 'a picture', fix: 'send a table' },
  { test: matches(/^\s*<(!doctype html|html|head|table|\?xml)/i), name: 'a web page or XML', fix: saveAsCsv },
  { test: matches(/^\{\\rtf/), name: 'a text document', fix: saveAsCsv },
]

/**
 * What a file is that is not a table, and what to do about it: `a PDF; export the table as CSV, and send that`. Undefined for
 * everything else.
 * @param beginning the first bytes; 64 KiB are enough
 */
export const describeOtherFile = (beginning: Buffer): string | undefined => {
  const kind = kinds.find(({ test }) => test(beginning.subarray(beginning[0] === 0xef ? 3 : 0)))
  return kind && `${kind.name}; ${kind.fix}`
}
