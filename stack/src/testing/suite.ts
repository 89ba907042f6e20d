import { randomBytes } from 'node:crypto'
import { interruption, runJest } from './jest-run.ts'
import { sweepOldRuns } from './test-parts.ts'
import { verdictOf } from './verdict.ts'

/** Prints what came of a suite and ends the process. */
export const conclude = ({ passed, failed, remarks }: ReturnType<typeof verdictOf>, stopping: AbortSignal): never => {
  for (const remark of remarks) console.log(remark)
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(failed === 0 && remarks.length === 0 && !stopping.aborted ? 0 : 1)
}

/** Runs a suite by itself: `run` is what jest is asked for, `args` what a person gave of it. */
export const runSuite = async (
  run: string[],
  { settings = {}, args = [] }: { settings?: Record<string, string>; args?: string[] } = {},
): Promise<never> => {
  const stopping = interruption()
  await sweepOldRuns()
  const results = await runJest(
    { ...process.env, TEST_RUN: randomBytes(4).toString('hex'), ...settings },
    run,
    stopping,
  )
  // Where it was interrupted, its database, broker and Keycloak still run.
  await sweepOldRuns()
  return conclude(verdictOf(results, args), stopping)
}
