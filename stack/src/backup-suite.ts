import { runSuite } from './testing/suite.ts'
import { backupSuite } from './testing/suites.ts'

const args = process.argv.slice(2)
const chosen = args.map((arg) => (arg.startsWith('-') ? arg : backupSuite + arg))
// One file after the other, because each runs a whole installation.
const files = args.every((arg) => arg.startsWith('-')) ? [backupSuite, ...chosen] : chosen
await runSuite(['--runInBand', ...files], { args })
