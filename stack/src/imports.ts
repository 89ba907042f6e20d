import { parseArguments } from './processes/arguments.ts'
import { fail } from './processes/fail.ts'
import { runSuite } from './testing/suite.ts'
import { importSuite } from './testing/suites.ts'

const usage = `usage: npm run test:imports -- [--rows N] [--kills N]
Starts an installation, imports a large file, and meanwhile kills customer-service with its worker process and,
in turns, PostgreSQL or RabbitMQ.

  --rows N    the rows of the file; default 1000000
  --kills N   how often they are killed; default 5`

const readNumbers = (): Record<string, string> => {
  const { values } = parseArguments({ options: { rows: { type: 'string' }, kills: { type: 'string' } } }, usage)
  const { rows = '1000000', kills = '5' } = values
  if (![rows, kills].every((value) => Number(value) > 0)) fail(`the values must be positive numbers\n${usage}`)
  return { TEST_IMPORT_ROWS: rows, TEST_IMPORT_KILLS: kills, TEST_IMPORT_OWN_PARTS: 'true' }
}

await runSuite([importSuite], { settings: readNumbers() })
