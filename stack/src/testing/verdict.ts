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

/** Several runs as one. */
export const sumOf = (verdicts: readonly Verdict[]): Verdict => ({
  passed: verdicts.reduce((sum, { passed }) => sum + passed, 0),
  failed: verdicts.reduce((sum, { failed }) => sum + failed, 0),
  remarks: [...new Set(verdicts.flatMap(({ remarks }) => remarks))],
})

/** Where the fault suite lies. It keeps both cores of a small machine busy and kills what it runs on: it runs by itself. */
export const faultSuite = 'e2e/faults/'
/** The large import; `npm test` has a short form of it. */
export const importSuite = 'e2e/imports/'

/** Where the suite of images and Compose lies: it needs a Docker engine, and is not part of `npm test`. */
export const composeSuite = 'e2e/compose/'
/** Where backup and restore are tried on whole installations: minutes, for `npm run test:backup` alone. */
export const backupSuite = 'e2e/backup/'

const isCoverage = (arg: string): boolean => /^--(coverage|collectCoverage)/.test(arg)
const takesValue = /^(-t|--testNamePattern)$/

/** The arguments of each run of jest that `npm test` with these arguments is. */
export const runsOf = (args: readonly string[]): string[][] => {
  const named = args.some((arg, index) => !arg.startsWith('-') && !takesValue.test(args[index - 1] ?? ''))
  const chosen = named || args.some((arg) => /^(-t|--testNamePattern|--testPathPatterns)(=|$)/.test(arg))
  // Options that take a list would take a path after them, too: they go last.
  const sorted = args.toSorted((a, b) => Number(isCoverage(a)) - Number(isCoverage(b)))
  if (chosen) return [sorted]
  const apart = ['node_modules/', faultSuite, composeSuite, backupSuite]
  const others = apart.map((path) => `--testPathIgnorePatterns=/${path}`)
  return [
    [...others, ...sorted],
    [faultSuite, ...args.filter((arg) => !isCoverage(arg))],
  ]
}
