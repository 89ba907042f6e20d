import { verdictOf } from '../src/verdict.ts'

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
