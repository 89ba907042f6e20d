import { patternOf, readThreats } from './threats.ts'

/** Injects faults for minutes under full load: it runs after all other tests, not beside them. */
export const faultSuite = 'e2e/faults/'
/** The import of a large file: `npm run test:imports`. The extended suite runs a short form of it. */
export const importSuite = 'e2e/imports/'
/** Needs a Docker engine: `npm run test:compose` runs it. */
export const composeSuite = 'e2e/compose/'
/** Starts whole installations and takes minutes: `npm run test:backup` runs it. */
export const backupSuite = 'e2e/backup/'

/** Attacks on the whole system. `npm run test:hostile` runs them, and all other tests that SECURITY.md names. */
const hostileSuite = 'e2e/hostile/'

/** Unit tests need no database, broker or Keycloak. */
const unitTests = '\\.unit\\.test\\.ts$'
/** Tests that take long, or need a tool that `npm start` does not need: Go, Python or Prometheus. */
const extendedTests = [importSuite, 'e2e/monitoring/', hostileSuite, '\\.extended\\.test\\.ts$']

const threatPatterns = (): string[] => [...new Set(readThreats().flatMap(({ tests }) => tests.map(patternOf)))]

/**
 * `quick`: unit tests; `standard`: all but the extended ones; `extended`: those alone; `all`: both; `hostile`: attacks. Compose and
 * backup are suites of their own.
 */
export const suiteNames = ['quick', 'standard', 'extended', 'all', 'hostile'] as const
export type SuiteName = (typeof suiteNames)[number]

const isCoverage = (arg: string): boolean => /^--(coverage|collectCoverage)/.test(arg)
const takesValue = /^(-t|--testNamePattern)$/

const pathsIn = (args: readonly string[]): string[] =>
  args.filter((arg, index) => !arg.startsWith('-') && !takesValue.test(args[index - 1] ?? ''))

/** Whether the arguments choose files or names of tests. */
export const areChosen = (args: readonly string[]): boolean =>
  pathsIn(args).length > 0 || args.some((arg) => /^(-t|--testNamePattern|--testPathPatterns)(=|$)/.test(arg))

const ignoring = (patterns: readonly string[]): string[] =>
  ['node_modules/', composeSuite, backupSuite, ...patterns].map((pattern) => `--testPathIgnorePatterns=${pattern}`)

const isExtended = (path: string): boolean => extendedTests.some((pattern) => new RegExp(pattern).test(path))

/** Whether the arguments may choose extended tests, which need more tools: always, unless they name other files only. */
export const mayBeExtended = (args: readonly string[]): boolean => {
  const paths = pathsIn(args)
  return paths.length === 0 || !paths.every((path) => path.endsWith('.test.ts') && !isExtended(path))
}

/** The runs of jest that a suite consists of, as arguments. If `args` choose files or names of tests, there is one run of those. */
export const jestRuns = (suite: SuiteName, args: readonly string[]): string[][] => {
  // Options that take a list would take a path after them for a value, so they go last.
  const sorted = args.toSorted((a, b) => Number(isCoverage(a)) - Number(isCoverage(b)))
  if (areChosen(args)) return [sorted]
  const faults = [faultSuite, ...args.filter((arg) => !isCoverage(arg))]
  if (suite === 'quick') return [[unitTests, ...sorted]]
  if (suite === 'hostile')
    return [[hostileSuite, ...threatPatterns(), `--testPathIgnorePatterns=${composeSuite}`, ...sorted]]
  if (suite === 'standard') return [[...ignoring([faultSuite, ...extendedTests]), ...sorted]]
  if (suite === 'extended') return [[...extendedTests, ...sorted], faults]
  return [[...ignoring([faultSuite]), ...sorted], faults]
}
