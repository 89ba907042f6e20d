import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../processes/folders.ts'
import type { JestResults } from './suite-result.ts'

/** A row of the table of threats in SECURITY.md. `tests` are paths without their ends: `e2e/hostile/tokens`. */
export type Threat = { name: string; tests: string[] }

const header = /^\| Threat \|/

/** The names in backquotes. One without a folder is in the folder of the name before it. */
const testsIn = (cell: string): string[] => {
  const tests: string[] = []
  for (const [, name = ''] of cell.matchAll(/`([^`]+)`/g)) {
    const folder = tests.at(-1)?.replace(/[^/]*$/, '') ?? ''
    tests.push(name.includes('/') ? name : `${folder}${name}`)
  }
  return tests
}

/** Reads the table of threats from the text of SECURITY.md. */
export const threatsIn = (markdown: string): Threat[] => {
  const lines = markdown.split('\n')
  const first = lines.findIndex((line) => header.test(line)) + 2
  const rows = lines.slice(first, lines.indexOf('', first))
  return rows.map((row) => {
    const cells = row.split(' | ')
    return { name: (cells[0] ?? '').replace(/^\| /, ''), tests: testsIn(cells.at(-1) ?? '') }
  })
}

/** The threats in SECURITY.md. */
export const readThreats = (): Threat[] => threatsIn(readFileSync(join(projectRoot, 'SECURITY.md'), 'utf8'))

/** A pattern for jest that matches the files of a test: `e2e/hostile/tokens` → `e2e/hostile/tokens.test.ts`. */
export const patternOf = (test: string): string =>
  test.split('/').length > 2 ? `${test}(\\.\\w+)?\\.test\\.ts$` : `${test}/`

/** A line for each threat: its tests, and how many of their cases passed. Tests of another suite have none. */
export const threatReport = (threats: readonly Threat[], results: readonly (JestResults | undefined)[]): string[] => {
  const files = results.flatMap((result) => result?.testResults ?? [])
  const countOf = (test: string): string => {
    const cases = files
      .filter(({ name }) => new RegExp(patternOf(test)).test(name))
      .flatMap(({ assertionResults = [] }) => assertionResults)
    const failed = cases.filter(({ status }) => status === 'failed').length
    if (cases.length === 0) return `${test} (not in this run)`
    return `${test} (${cases.length - failed} passed${failed > 0 ? `, ${failed} FAILED` : ''})`
  }
  return threats.map(({ name, tests }) => `${name}\n    ${tests.map(countOf).join('\n    ')}`)
}
