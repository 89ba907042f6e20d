/** The fields of jest's JSON report that decide over success. */
export type JestResults = {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  numRuntimeErrorTestSuites: number
  testResults?: FileResult[]
}

/** The result of one file. `name` is its path, and `message` is empty unless a test failed or the file could not run. */
export type FileResult = {
  name: string
  status: string
  message: string
  assertionResults?: { status: string; fullName?: string }[]
}

/** `remarks` are reasons to fail other than failed tests. */
export type SuiteResult = { passed: number; failed: number; remarks: string[] }

/** Counts a run of jest. A file that could not run counts as failed. Skipped tests, or no test at all, are a failure. */
export const resultOf = (results: JestResults | undefined, args: readonly string[]): SuiteResult => {
  if (!results) return { passed: 0, failed: 1, remarks: ['the tests did not finish'] }
  const skipped = results.numPendingTests + results.numTodoTests
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
  const remarks: string[] = []
  // Jest reports tests that a name pattern excludes as skipped.
  const hasPattern = args.some((arg) => /^(-t|--testNamePattern)(=|$)/.test(arg))
  if (skipped > 0 && !hasPattern) remarks.push(`${skipped} tests were skipped: that counts as a failure`)
  if (results.numPassedTests + failed === 0) remarks.push('no test ran: that counts as a failure')
  return { passed: results.numPassedTests, failed, remarks }
}

/** The results of several runs as one. */
export const sumOf = (results: readonly SuiteResult[]): SuiteResult => ({
  passed: results.reduce((sum, { passed }) => sum + passed, 0),
  failed: results.reduce((sum, { failed }) => sum + failed, 0),
  remarks: [...new Set(results.flatMap(({ remarks }) => remarks))],
})

/** Prints the remarks and, in the last line, the counts. @returns whether the result is a success */
export const printResult = ({ passed, failed, remarks }: SuiteResult): boolean => {
  for (const remark of remarks) console.log(remark)
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 && remarks.length === 0
}
