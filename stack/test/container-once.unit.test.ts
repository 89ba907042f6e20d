import { ConfigError } from '@clientele/platform/runtime/config'
import { runOnce } from '../src/processes/run-once.ts'

describe('runOnce', () => {
  const exitCode = process.exitCode
  const { log, error } = console
  let printed: string[] = []
  beforeEach(() => {
    printed = []
    console.log = (text: string) => printed.push(`out ${text}`)
    console.error = (text: string) => printed.push(`err ${text}`)
  })
  afterEach(() => {
    Object.assign(console, { log, error })
    process.exitCode = exitCode
  })
  const failTimes = (times: number, error: Error) => {
    const attempts = { count: 0 }
    const work = async () => {
      attempts.count += 1
      if (attempts.count <= times) throw error
      return ['done']
    }
    return { attempts, work }
  }

  it('runOnce retries until the work succeeds, and prints a repeated error once', async () => {
    const { attempts, work } = failTimes(3, new Error('Keycloak is unavailable'))
    await runOnce(work, { intervalMs: 1 })
    expect([attempts.count, process.exitCode]).toEqual([4, exitCode])
    expect(printed).toEqual(['err Keycloak is unavailable', 'out done'])
  })

  it('runOnce sets exit code 1 after the timeout, and at once for a configuration error', async () => {
    const unavailable = failTimes(Number.POSITIVE_INFINITY, new Error('Keycloak is unavailable'))
    await runOnce(unavailable.work, { intervalMs: 1, timeoutMs: 20 })
    expect([unavailable.attempts.count > 1, process.exitCode]).toEqual([true, 1])
    process.exitCode = exitCode
    const misconfigured = failTimes(Number.POSITIVE_INFINITY, new ConfigError('no secret'))
    await runOnce(misconfigured.work, { intervalMs: 1 })
    expect([misconfigured.attempts.count, process.exitCode]).toEqual([1, 1])
  })
})
