import { parseArgs } from 'node:util'
import { runSuite } from './testing/suite.ts'
import { importSuite } from './testing/verdict.ts'

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

await runSuite([importSuite], { settings: numbers() })
