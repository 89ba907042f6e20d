import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../src/processes/folders.ts'

/** The number of requirements of each source document. */
const documents = { S0: 30, S1: 50, S2: 42, S3: 36, S4: 28 }

/** Requirements that no test of this repository can show, with the reason, which the table repeats. */
const exceptions: Record<string, string> = {
  'S1-23': 'that the repository is public shows at its address',
}

type Row = { id: string; tests: string }

/** The rows of the tables: the id is the first cell, the tests are the last. */
const parseRows = (markdown: string): Row[] =>
  [...markdown.matchAll(/^\| (S\d-\d+) \|.* \| (.*) \|$/gm)].map(([, id = '', tests = '']) => ({ id, tests }))

/** Whether a file has a test, a group of tests or a step of this title, in any quotes. */
const hasTitle = (source: string, title: string): boolean =>
  ["'", '"', '`'].some((quote) => {
    const literal = `${quote}${title.replaceAll(quote, `\\${quote}`)}${quote}`.replaceAll(/[^\w\s]/g, '\\$&')
    return new RegExp(`\\(\\s*${literal}|^ +${literal}: async|^ +${literal}: \\(`, 'm').test(source)
  })

const problemsOfEntry = (id: string, entry: string): string[] => {
  const [, file = '', link, title = ''] = /^\[([^\]]+)\]\(\.\.\/([^)]+)\): (.+)$/.exec(entry) ?? []
  if (file === '') return [`${id}: "${entry}" is not [file](../file): title`]
  if (file !== link) return [`${id}: the link of ${file} leads to ${link}`]
  if (!existsSync(join(projectRoot, file))) return [`${id}: there is no file ${file}`]
  const plain = title.replaceAll(/\\([^\w\s])/g, '$1')
  return hasTitle(readFileSync(join(projectRoot, file), 'utf8'), plain)
    ? []
    : [`${id}: ${file} has no test titled '${plain}'`]
}

const problemsOfRow = ({ id, tests }: Row): string[] => {
  const reason = exceptions[id]
  if (reason !== undefined)
    return tests === `Not shown by a test: ${reason}`
      ? []
      : [`${id}: the last cell must say "Not shown by a test: ${reason}"`]
  if (!tests.startsWith('[')) return [`${id}: names no test`]
  return tests.split('<br>').flatMap((entry) => problemsOfEntry(id, entry))
}

const expectedIds = Object.entries(documents).flatMap(([document, count]) =>
  Array.from({ length: count }, (_, index) => `${document}-${String(index + 1).padStart(2, '0')}`),
)

describe('docs/requirements.md', () => {
  const rows = parseRows(readFileSync(join(projectRoot, 'docs', 'requirements.md'), 'utf8'))
  const ids = rows.map(({ id }) => id)

  it('every requirement of the source documents has exactly one row', () => {
    expect({
      missing: expectedIds.filter((id) => !ids.includes(id)),
      twice: ids.filter((id, index) => ids.indexOf(id) !== index),
      unknown: ids.filter((id) => !expectedIds.includes(id)),
    }).toEqual({ missing: [], twice: [], unknown: [] })
  })

  it('every requirement names tests that exist', () => {
    expect(rows.flatMap(problemsOfRow)).toEqual([])
  })
})
