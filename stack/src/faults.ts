import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { interruption, runJest } from './jest-run.ts'
import { sweepOldRuns } from './test-parts.ts'
import { faultSuite, verdictOf } from './verdict.ts'

const usage = 'usage: npm run test:faults -- [--minutes N] [--seed N]'

/** Positive numbers only: anything else would run for ever or not at all. */
const numbers = (): Record<string, string> => {
  try {
    const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } })
    if (Object.values(values).some((value) => !(Number(value) > 0))) throw new Error('not a positive number')
    return {
      ...(values.minutes && { TEST_FAULT_MINUTES: values.minutes }),
      ...(values.seed && { TEST_FAULT_SEED: values.seed }),
    }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    process.exit(1)
  }
}

const env = { ...process.env, TEST_RUN: randomBytes(4).toString('hex'), ...numbers() }
const stopping = interruption()
await sweepOldRuns()
const results = await runJest(env, [faultSuite], stopping)
// Where it was interrupted, its database, broker and Keycloak still run.
await sweepOldRuns()
const { passed, failed, remarks } = verdictOf(results, [])
for (const remark of remarks) console.log(remark)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && remarks.length === 0 && !stopping.aborted ? 0 : 1)
