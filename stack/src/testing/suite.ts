import { randomBytes } from 'node:crypto'
import { interruptSignal, runJest } from './jest-run.ts'
import { printResult, resultOf, type SuiteResult } from './suite-result.ts'
import { cleanUpOldRuns } from './test-services.ts'

/** Prints the result of a suite and ends the process. */
export const exitWithResult = (result: SuiteResult, stopping: AbortSignal): never =>
  process.exit(printResult(result) && !stopping.aborted ? 0 : 1)

/** Runs a suite that starts its own services. `run` are the arguments for jest, `args` those from the command line. */
export const runSuite = async (
  run: string[],
  { settings = {}, args = [] }: { settings?: Record<string, string>; args?: string[] } = {},
): Promise<never> => {
  const stopping = interruptSignal()
  await cleanUpOldRuns()
  const results = await runJest(
    { ...process.env, TEST_RUN: randomBytes(4).toString('hex'), ...settings },
    run,
    stopping,
  )
  // If the suite was interrupted, its database, broker and Keycloak still run.
  await cleanUpOldRuns()
  return exitWithResult(resultOf(results, args), stopping)
}
