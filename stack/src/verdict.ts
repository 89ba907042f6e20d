/** The part of jest's JSON report that decides. */
export type JestResults = {
  numPassedTests: number
  numFailedTests: number
  numPendingTests: number
  numTodoTests: number
  numRuntimeErrorTestSuites: number
  testResults?: { name: string; status: string; message: string }[]
}

export type Verdict = { passed: number; failed: number; remarks: string[] }

/** What a run is worth: files that could not run count as failed, and skipped tests or none at all are no success. */
export const verdictOf = (results: JestResults | undefined, args: string[]): Verdict => {
  if (!results) return { passed: 0, failed: 1, remarks: ['the tests did not come to their end'] }
  const skipped = results.numPendingTests + results.numTodoTests
  const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
  const remarks: string[] = []
  // With a name pattern, the tests that it leaves out are reported as skipped.
  const chosen = args.some((arg) => /^(-t|--testNamePattern)(=|$)/.test(arg))
  if (skipped > 0 && !chosen) remarks.push(`${skipped} tests were skipped: that counts as a failure`)
  if (results.numPassedTests + failed === 0) remarks.push('no test ran: that counts as a failure')
  return { passed: results.numPassedTests, failed, remarks }
}
