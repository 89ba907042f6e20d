import { join } from 'node:path'
import { projectRoot } from '../src/processes/folders.ts'
import { failedTests, repeatArgs, withRepeated } from '../src/testing/repeat-failed.ts'
import type { FileResult, JestResults } from '../src/testing/suite-result.ts'

const file = (name: string, ...statuses: string[]): FileResult => ({
  name: join(projectRoot, name),
  status: statuses.includes('failed') || statuses.length === 0 ? 'failed' : 'passed',
  message: '',
  assertionResults: statuses.map((status, index) => ({ status, fullName: `title ${index + 1}` })),
})

const report = (...testResults: FileResult[]): JestResults => {
  const count = (wanted: string) =>
    testResults.flatMap(({ assertionResults = [] }) => assertionResults).filter(({ status }) => status === wanted)
      .length
  return {
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: count('pending'),
    numTodoTests: count('todo'),
    numRuntimeErrorTestSuites: testResults.filter(({ assertionResults }) => assertionResults?.length === 0).length,
    testResults,
  }
}

describe('Repeating failed tests', () => {
  it('only the files with a failed test, and those that could not run, are repeated', () => {
    const first = report(file('a.test.ts', 'passed'), file('b.test.ts', 'passed', 'failed'), file('c.test.ts'))
    expect(repeatArgs(first)).toEqual([
      '--runInBand',
      '--runTestsByPath',
      join(projectRoot, 'b.test.ts'),
      join(projectRoot, 'c.test.ts'),
    ])
  })

  it('nothing is repeated after a run without failures or with more than five failed files', () => {
    expect(repeatArgs(report(file('a.test.ts', 'passed')))).toEqual([])
    expect(repeatArgs(report(...Array.from({ length: 6 }, (_, n) => file(`${n}.test.ts`, 'failed'))))).toEqual([])
  })

  it('the second result of a file takes the place of the first', () => {
    const first = report(
      file('a.test.ts', 'passed'),
      file('b.test.ts', 'passed', 'failed'),
      file('c.test.ts'),
      file('d.test.ts', 'failed', 'pending'),
    )
    const second = report(
      file('b.test.ts', 'passed', 'passed'),
      file('c.test.ts', 'passed'),
      file('d.test.ts', 'failed', 'pending'),
    )
    expect(withRepeated(first, second)).toMatchObject({
      numPassedTests: 4,
      numFailedTests: 1,
      numPendingTests: 1,
      numTodoTests: 0,
      numRuntimeErrorTestSuites: 0,
    })
    expect(withRepeated(first, undefined)).toBe(first)
  })

  it('each failed test is named with its file', () => {
    expect(failedTests(report(file('a.test.ts', 'passed', 'failed'), file('b.test.ts')))).toEqual([
      'a.test.ts: title 2',
      'b.test.ts',
    ])
  })
})
