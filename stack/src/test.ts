import { randomBytes } from 'node:crypto'
import { say } from './processes/progress.ts'
import { interruption, runJest } from './testing/jest-run.ts'
import { startTestParts, sweepOldRuns, type TestParts, testVariables } from './testing/test-parts.ts'
import { runsOf, sumOf, type Verdict, verdictOf } from './testing/verdict.ts'

const stopping = interruption()
const given = testVariables.every((name) => process.env[name])
const verdicts: Verdict[] = []
let parts: TestParts | undefined
try {
  parts = given ? undefined : await startTestParts(say, stopping)
  const env = { ...process.env, ...parts?.env, TEST_RUN: process.env.TEST_RUN ?? randomBytes(4).toString('hex') }
  for (const args of runsOf(process.argv.slice(2))) {
    stopping.throwIfAborted()
    verdicts.push(verdictOf(await runJest(env, args, stopping), args))
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  verdicts.push(verdictOf(undefined, []))
} finally {
  await parts?.stop()
  // Where it was interrupted, what a test file started for itself still runs.
  await sweepOldRuns()
}
const { passed, failed, remarks } = sumOf(verdicts)
for (const remark of remarks) console.log(remark)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && remarks.length === 0 && !stopping.aborted ? 0 : 1)
