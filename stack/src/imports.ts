import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { interruption, runJest } from './jest-run.ts'
import { sweepOldRuns } from './test-parts.ts'
import { importSuite, verdictOf } from './verdict.ts'

const usage = 'usage: npm run test:imports -- [--rows N] [--kills N]'

const numbers = (): Record<string, string> => {
  try {
    const { values } = parseArgs({ options: { rows: { type: 'string' }, kills: { type: 'string' } } })
    const { rows = '1000000', kills = '5' } = values
    if (![rows, kills].every((value) => Number(value) > 0)) throw new Error('not a positive number')
    return { TEST_IMPORT_ROWS: rows, TEST_IMPORT_KILLS: kills, TEST_IMPORT_OWN_PARTS: 'true' }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    process.exit(1)
  }
}

const env = { ...process.env, TEST_RUN: randomBytes(4).toString('hex'), ...numbers() }
const stopping = interruption()
await sweepOldRuns()
const results = await runJest(env, [importSuite], stopping)
// Where it was interrupted, its database, broker and Keycloak still run.
await sweepOldRuns()
const { passed, failed, remarks } = verdictOf(results, [])
for (const remark of remarks) console.log(remark)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && remarks.length === 0 && !stopping.aborted ? 0 : 1)
