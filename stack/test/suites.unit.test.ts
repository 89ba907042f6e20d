import { resultOf, sumOf } from '../src/testing/suite-result.ts'
import { backupSuite, composeSuite, faultSuite, importSuite, jestRuns, mayBeExtended } from '../src/testing/suites.ts'

const results = {
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
}

describe('The result of a test run', () => {
  it('a run in which every test passes succeeds', () => {
    expect(resultOf(results, [])).toEqual({ passed: 5, failed: 0, remarks: [] })
  })

  it('a file that could not run counts as failed', () => {
    expect(resultOf({ ...results, numRuntimeErrorTestSuites: 2, numFailedTests: 1 }, []).failed).toBe(3)
  })

  it.each([{ numPendingTests: 1 }, { numTodoTests: 1 }])('a run with %j fails', (some) => {
    expect(resultOf({ ...results, ...some }, []).remarks).toEqual([expect.stringContaining('1 tests were skipped')])
  })

  it('a run with a name pattern may leave out tests', () => {
    expect(resultOf({ ...results, numPendingTests: 9 }, ['-t', 'one']).remarks).toEqual([])
  })

  it('a run without tests fails', () => {
    expect(resultOf({ ...results, numPassedTests: 0 }, []).remarks).toHaveLength(1)
  })

  it('a run fails if jest writes no results', () => {
    expect(resultOf(undefined, [])).toMatchObject({ failed: 1 })
  })
})

describe('The runs of a suite', () => {
  const ignored = (args: string[]) =>
    args.filter((arg) => arg.startsWith('--testPathIgnorePatterns=')).map((arg) => arg.split('=')[1])

  it('npm test runs everything but the extended tests, Compose and backups', () => {
    const [run = [], ...more] = jestRuns('standard', ['--coverage', '--verbose'])
    expect(more).toEqual([])
    expect(ignored(run)).toEqual(
      expect.arrayContaining([faultSuite, importSuite, composeSuite, backupSuite, '\\.extended\\.test\\.ts$']),
    )
    expect(run.slice(-2)).toEqual(['--verbose', '--coverage'])
  })

  it.each([[['platform/test/config.unit.test.ts']], [['-t', 'returns 409']], [['--testNamePattern=returns 409']]])(
    'arguments that choose tests replace those of the suite: %j',
    (args) => {
      expect(jestRuns('standard', args)).toEqual([args])
    },
  )

  it('the results of several runs are added up', () => {
    const remarks = ['1 tests were skipped: that counts as a failure']
    expect(
      sumOf([
        { passed: 5, failed: 0, remarks },
        { passed: 1, failed: 2, remarks },
      ]),
    ).toEqual({
      passed: 6,
      failed: 2,
      remarks,
    })
  })

  it('the standard and the extended suite together run the same tests as npm run test:all', () => {
    const [standard = []] = jestRuns('standard', [])
    const [extended = [], faults = []] = jestRuns('extended', [])
    const [all = []] = jestRuns('all', [])
    expect([...extended, ...faults].sort()).toEqual(
      ignored(standard)
        .filter((pattern) => !ignored(all).includes(pattern))
        .concat(faultSuite)
        .sort(),
    )
  })

  it('the fault suite runs by itself, without coverage', () => {
    expect(jestRuns('all', ['--coverage', '--verbose'])[1]).toEqual([faultSuite, '--verbose'])
  })

  it('the tools of the extended suite are needed unless the arguments name other test files only', () => {
    const customers = 'customer-service/test/customers.test.ts'
    expect([[customers], [customers, '-t', 'returns 409']].filter(mayBeExtended)).toEqual([])
    const choices = [
      ['-t', 'returns 409'],
      ['e2e/'],
      ['media-service'],
      ['e2e/monitoring/dashboards.test.ts'],
      [customers, 'media-service/test/gcs-store.extended.test.ts'],
    ]
    expect(choices.filter(mayBeExtended)).toEqual(choices)
  })
})
