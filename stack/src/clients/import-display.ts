import type { Import, ImportPreview } from '@clientele/client'

/** What the API says of a file, and of the results of its rows. */
type Understood = Pick<
  Import,
  'format' | 'sheet' | 'sheets' | 'encoding' | 'encodingBy' | 'preset' | 'columns' | 'mapping' | 'unmapped' | 'warnings'
>
type Results = Pick<Import, 'counts' | 'errors'>

const maxErrors = 10

/** One line of text from a file, without control characters, which a terminal would obey. */
export const printable = (text: string): string => text.replace(/[\r\n\t]+/g, ' ').replace(/[\p{Cc}\p{Cf}]/gu, '?')

/** The counts of an import: `3 rows: 2 new, 0 changed, 0 skipped, 1 failed`. */
export const sums = ({ counts }: Pick<Import, 'counts'>): string =>
  `${counts.read} ${counts.read === 1 ? 'row' : 'rows'}: ${counts.created} new, ${counts.updated} changed, ${counts.skipped} skipped, ${counts.failed} failed`

/** The format, and the charset of a file of text: `csv, probably windows-1250`. */
const formatText = ({ format, sheet, encoding, encodingBy }: Understood): string => {
  if (sheet !== null) return format
  return `${format}, ${encodingBy === 'guess' ? 'probably ' : ''}${encoding}`
}

/** How the file was understood: format, charset, columns and what to look at. */
export const describeFile = (path: string, sent: Understood): string[] => [
  `${path}: ${formatText(sent)}${sent.preset === null ? '' : `, exported by ${sent.preset}`}`,
  ...(sent.sheets.length > 1 ? [`  sheet: ${sent.sheet} (of ${sent.sheets.join(', ')})`] : []),
  ...sent.columns.flatMap((column) => (sent.mapping[column] ? [`  ${column} → ${sent.mapping[column]}`] : [])),
  ...(sent.unmapped.length > 0 ? [`  not imported: ${sent.unmapped.join(', ')}`] : []),
  ...sent.warnings.map(({ message }) => `  warning: ${message}`),
]

const outcomes = { created: 'new', updated: 'changed', skipped: 'skipped', failed: 'failed' }

const valueText = (value: unknown): string => {
  if (Array.isArray(value)) return value.join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

const flatten = (values: Record<string, unknown>, prefix = ''): string[] =>
  Object.entries(values).flatMap(([key, value]) => {
    if (value === null || value === undefined) return []
    const isGroup = typeof value === 'object' && !Array.isArray(value)
    return isGroup
      ? flatten(value as Record<string, unknown>, `${prefix}${key}.`)
      : [`${prefix}${key} ${valueText(value)}`]
  })

/** The first rows as they would be imported, a line each. */
export const describeRows = ({ rows }: ImportPreview): string[] =>
  rows.map(({ row, outcome, values, errors }) => {
    const texts = outcome === 'failed' ? errors.map(({ message }) => message) : flatten(values)
    return `  row ${row}, ${outcomes[outcome]}: ${texts.join(' · ')}`
  })

/** The counts and the first errors. */
export const describeResult = (imported: Results): string[] => [
  sums(imported),
  ...imported.errors
    .slice(0, maxErrors)
    .map(({ row, pointer, message }) => `  row ${row}${pointer === '' ? '' : `, ${pointer.slice(1)}`}: ${message}`),
  ...(imported.errors.length > maxErrors ? ['  …'] : []),
]

/** What an undo did: `undone: 2 moved to the trash, 1 restored, 1 kept`. */
export const describeUndo = ({ removed = 0, restored = 0, kept = 0 }: Record<string, number>): string =>
  `undone: ${removed} moved to the trash, ${restored} restored${kept > 0 ? `, ${kept} kept` : ''}`
