import { randomBytes } from 'node:crypto'
import { messageOf } from './processes/fail.ts'
import { logProgress } from './processes/progress.ts'
import { interruptSignal, runJest } from './testing/jest-run.ts'
import { failedTests, repeatArgs, withRepeated } from './testing/repeat-failed.ts'
import { type JestResults, printResult, resultOf, type SuiteResult, sumOf } from './testing/suite-result.ts'
import { areChosen, jestRuns, mayBeExtended, type SuiteName, suiteNames } from './testing/suites.ts'
import { cleanUpOldRuns, startTestServices, type TestServices, testVariables } from './testing/test-services.ts'
import { readThreats, threatReport } from './testing/threats.ts'

const [first = '', ...others] = process.argv.slice(2)
const named = suiteNames.find((name) => first === `--suite=${name}`)
const suite: SuiteName = named ?? 'standard'
const repeatFlag = '--repeat-failed'
const allArgs = named ? others : process.argv.slice(2)
const repeats = allArgs.includes(repeatFlag)
const args = allArgs.filter((arg) => arg !== repeatFlag)

const stopping = interruptSignal()
const needsServices = suite !== 'quick' && !testVariables.every((name) => process.env[name])
const results: SuiteResult[] = []
const reports: (JestResults | undefined)[] = []
const failures: string[] = []

const runOnce = async (env: NodeJS.ProcessEnv, run: string[]): Promise<JestResults | undefined> => {
  const report = await runJest(env, run, stopping)
  if (report) failures.push(...failedTests(report).map((test) => `failed: ${test}`))
  return report
}

/** Runs the tests, and with `--repeat-failed` the failed files a second time. */
const runTests = async (env: NodeJS.ProcessEnv, run: string[]): Promise<JestResults | undefined> => {
  const first = await runOnce(env, run)
  const again = repeats && first && !stopping.aborted ? repeatArgs(first) : []
  if (!first || again.length === 0) return first
  failures.push('repeating the failed files')
  return withRepeated(first, await runOnce(env, again))
}

let testServices: TestServices | undefined
try {
  const extended = suite !== 'standard' || (areChosen(args) && mayBeExtended(args))
  testServices = needsServices ? await startTestServices(logProgress, stopping, { extended }) : undefined
  const env = { ...process.env, ...testServices?.env, TEST_RUN: process.env.TEST_RUN ?? randomBytes(4).toString('hex') }
  for (const run of jestRuns(suite, args)) {
    stopping.throwIfAborted()
    const report = await runTests(env, run)
    reports.push(report)
    results.push(resultOf(report, run))
  }
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  results.push(resultOf(undefined, []))
} finally {
  await testServices?.stop()
  // If the run was interrupted, services that a test file has started still run.
  await cleanUpOldRuns()
}
if (suite === 'hostile') console.log(threatReport(readThreats(), reports).join('\n'))
for (const failure of failures) console.log(failure)
process.exit(printResult(sumOf(results)) && !stopping.aborted ? 0 : 1)
