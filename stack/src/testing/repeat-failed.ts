import { relative } from 'node:path'
import { projectRoot } from '../processes/folders.ts'
import type { FileResult, JestResults } from './suite-result.ts'

/** With more failed files than this, repeating them would only hide what is wrong. */
const maxRepeatedFiles = 5

/** The arguments for jest that run the failed files of a report again, one after another. None if too many failed, or none. */
export const repeatArgs = ({ testResults = [] }: JestResults): string[] => {
  const failed = testResults.filter(({ status }) => status === 'failed').map(({ name }) => name)
  return failed.length === 0 || failed.length > maxRepeatedFiles ? [] : ['--runInBand', '--runTestsByPath', ...failed]
}

const countIn = (files: readonly FileResult[], ...statuses: string[]): number =>
  files.flatMap(({ assertionResults = [] }) => assertionResults).filter(({ status }) => statuses.includes(status))
    .length

/** A report in which the results of repeated files take the place of their first ones. */
export const withRepeated = (first: JestResults, second: JestResults | undefined): JestResults => {
  if (!second) return first
  const repeated = second.testResults ?? []
  const names = new Set(repeated.map(({ name }) => name))
  const replaced = (first.testResults ?? []).filter(({ name }) => names.has(name))
  const kept = (first.testResults ?? []).filter(({ name }) => !names.has(name))
  return {
    numPassedTests: first.numPassedTests - countIn(replaced, 'passed') + second.numPassedTests,
    numFailedTests: first.numFailedTests - countIn(replaced, 'failed') + second.numFailedTests,
    numPendingTests: first.numPendingTests - countIn(replaced, 'pending', 'skipped') + second.numPendingTests,
    numTodoTests: first.numTodoTests - countIn(replaced, 'todo') + second.numTodoTests,
    // Every file that could not run was repeated.
    numRuntimeErrorTestSuites: second.numRuntimeErrorTestSuites,
    testResults: [...kept, ...repeated],
  }
}

/** The failed tests of a report, each as `file: title`; the file alone if it could not run. */
export const failedTests = ({ testResults = [] }: JestResults): string[] =>
  testResults
    .filter(({ status }) => status === 'failed')
    .flatMap(({ name, assertionResults = [] }) => {
      const file = relative(projectRoot, name)
      const titles = assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName)
      return titles.length === 0 ? [file] : titles.map((title) => `${file}: ${title}`)
    })
