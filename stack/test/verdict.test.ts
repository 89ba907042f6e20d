import { backupSuite, composeSuite, faultSuite, runsOf, sumOf, verdictOf } from '../src/testing/verdict.ts'

const results = {
  numPassedTests: 5,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
}

describe('the verdict of npm test (S0-27)', () => {
  it('is good when every test passed', () => {
    expect(verdictOf(results, [])).toEqual({ passed: 5, failed: 0, remarks: [] })
  })

  it('counts a file that could not run as failed', () => {
    expect(verdictOf({ ...results, numRuntimeErrorTestSuites: 2, numFailedTests: 1 }, []).failed).toBe(3)
  })

  it.each([{ numPendingTests: 1 }, { numTodoTests: 1 }])('is bad with %j', (some) => {
    expect(verdictOf({ ...results, ...some }, []).remarks).toEqual([expect.stringContaining('1 tests were skipped')])
  })

  it('lets tests be left out by a name pattern', () => {
    expect(verdictOf({ ...results, numPendingTests: 9 }, ['-t', 'one']).remarks).toEqual([])
  })

  it('is bad when no test ran', () => {
    expect(verdictOf({ ...results, numPassedTests: 0 }, []).remarks).toHaveLength(1)
  })

  it('is bad when jest left no results', () => {
    expect(verdictOf(undefined, [])).toMatchObject({ failed: 1 })
  })
})

describe('the runs of npm test', () => {
  it('are all files but the suites of faults, Compose and backups, and then the first by itself', () => {
    const [first = [], second = [], ...more] = runsOf(['--verbose', '--coverage'])
    expect(first).toContain(`--testPathIgnorePatterns=/${faultSuite}`)
    expect(first).toContain(`--testPathIgnorePatterns=/${composeSuite}`)
    expect(first).toContain(`--testPathIgnorePatterns=/${backupSuite}`)
    expect(first.slice(-2)).toEqual(['--verbose', '--coverage'])
    expect(second).toEqual([faultSuite, '--verbose'])
    expect(more).toEqual([])
  })

  it.each([[['platform/test/config.test.ts']], [['-t', 'answers 409']], [['--testNamePattern=answers 409']]])(
    'are one where some are chosen: %j',
    (args) => {
      expect(runsOf(args)).toEqual([args])
    },
  )

  it('are summed up', () => {
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
})
