import { randomBytes } from 'node:crypto'
import { interruption, runJest } from './jest-run.ts'
import { sweepOldRuns } from './test-parts.ts'
import { backupSuite, verdictOf } from './verdict.ts'

const stopping = interruption()
await sweepOldRuns()
const env = { ...process.env, TEST_RUN: randomBytes(4).toString('hex') }
const args = process.argv.slice(2)
const chosen = args.map((arg) => (arg.startsWith('-') ? arg : backupSuite + arg))
// One file after the other: each runs a whole installation.
const files = chosen.length === args.filter((arg) => arg.startsWith('-')).length ? [backupSuite, ...chosen] : chosen
const results = await runJest(env, ['--runInBand', ...files], stopping)
await sweepOldRuns()
const { passed, failed, remarks } = verdictOf(results, args)
for (const remark of remarks) console.log(remark)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && remarks.length === 0 && !stopping.aborted ? 0 : 1)
