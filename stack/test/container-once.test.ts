import { ConfigError } from '@clientele/platform/runtime/config'
import { runOnce } from '../src/processes/run-once.ts'

describe('a one-shot container', () => {
  const exitCode = process.exitCode
  const { log, error } = console
  let said: string[] = []
  beforeEach(() => {
    said = []
    console.log = (text: string) => said.push(`out ${text}`)
    console.error = (text: string) => said.push(`err ${text}`)
  })
  afterEach(() => {
    Object.assign(console, { log, error })
    process.exitCode = exitCode
  })
  const failing = (times: number, error: Error) => {
    const tries = { count: 0 }
    const work = async () => {
      tries.count += 1
      if (tries.count <= times) throw error
      return ['done']
    }
    return { tries, work }
  }

  it('waits for what comes up later, and says once what it waits for', async () => {
    const { tries, work } = failing(3, new Error('Keycloak is away'))
    await runOnce(work, { everyMs: 1 })
    expect([tries.count, process.exitCode]).toEqual([4, exitCode])
    expect(said).toEqual(['err Keycloak is away', 'out done'])
  })

  it('ends with 1 when its patience is over, and at once where a setting is wrong', async () => {
    const away = failing(Number.POSITIVE_INFINITY, new Error('Keycloak is away'))
    await runOnce(away.work, { everyMs: 1, patienceMs: 20 })
    expect([away.tries.count > 1, process.exitCode]).toEqual([true, 1])
    process.exitCode = exitCode
    const wrong = failing(Number.POSITIVE_INFINITY, new ConfigError('no secret'))
    await runOnce(wrong.work, { everyMs: 1 })
    expect([wrong.tries.count, process.exitCode]).toEqual([1, 1])
  })
})
