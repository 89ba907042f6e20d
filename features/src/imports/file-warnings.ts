import type { ImportWarning } from '@clientele/contracts/imports/import'
import type { ReceivedFile } from './received-file.ts'

/** The rows above and below the table of a report. */
type LeftOut = { titles: readonly string[]; footer: readonly string[] }

const rowsLeftOut = (code: string, texts: readonly string[], place: string, fix: string): ImportWarning[] => {
  const [first = ''] = texts
  if (texts.length === 0) return []
  const rows = texts.length === 1 ? `1 row ${place} is` : `${texts.length} rows ${place} are`
  return [{ code, column: null, message: `${rows} not imported: ${JSON.stringify(first.slice(0, 100))}${fix}` }]
}

/** Says what was assumed about a file, and how to declare it otherwise. */
export const fileWarnings = (
  { encoding, encodingBy }: Pick<ReceivedFile, 'encoding' | 'encodingBy'>,
  { titles, footer }: LeftOut,
): ImportWarning[] => [
  ...(encodingBy === 'guess'
    ? [
        {
          code: 'encoding_guessed',
          column: null,
          message: `the file is not UTF-8, and its letters look like ${encoding}; if the preview shows wrong letters, send the file again with its \`encoding\``,
        },
      ]
    : []),
  ...rowsLeftOut('rows_above', titles, 'above the table', '; set `skip` to say where the table begins'),
  ...rowsLeftOut('rows_below', footer, 'below the table', ''),
]
