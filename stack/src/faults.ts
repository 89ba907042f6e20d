import { parseArgs } from 'node:util'
import { runSuite } from './testing/suite.ts'
import { faultSuite } from './testing/verdict.ts'

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

await runSuite([faultSuite], { settings: numbers() })
