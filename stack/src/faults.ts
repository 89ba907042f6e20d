import { parseArguments } from './processes/arguments.ts'
import { fail } from './processes/fail.ts'
import { runSuite } from './testing/suite.ts'
import { faultSuite } from './testing/suites.ts'

const usage = `usage: npm run test:faults -- [--minutes N] [--seed N]
Starts an installation, injects faults into it, and checks that no data is lost.

  --minutes N   how long; default 3
  --seed N      the seed of the random faults, to repeat a run; default: another one each time`

/** The options as variables for the suite. Only positive numbers: any other value would run for ever or not at all. */
const readNumbers = (): Record<string, string> => {
  const { values } = parseArguments({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } }, usage)
  if (Object.values(values).some((value) => !(Number(value) > 0))) fail(`the values must be positive numbers\n${usage}`)
  return {
    ...(values.minutes && { TEST_FAULT_MINUTES: values.minutes }),
    ...(values.seed && { TEST_FAULT_SEED: values.seed }),
  }
}

await runSuite([faultSuite], { settings: readNumbers() })
