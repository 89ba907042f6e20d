import { client } from '@clientele/platform/testing/client'
import type { HostileSystem } from '../hostile-system.ts'
import { answersOf, neverDone, operationCount, patientPerson, startTarget } from './api-run.ts'
import { makeRows } from './rows.ts'
import { schemathesis, timeoutMs } from './schemathesis.ts'
import { prepareTools } from './tools.ts'

let system: HostileSystem
beforeAll(async () => {
  await prepareTools()
  system = await startTarget()
}, 900_000)
afterAll(() => system?.close(), 60_000)

/** Only admins may, or they need secrets that no schema tells. */
const notForUsers =
  /User$|Users$|Role$|^mailPasswordReset$|^signIn$|^refreshTokens$|^retryNotification$|^receiveDeliveryReport$/

it(
  'as a user every answer is one that the API document promises',
  async () => {
    const user = await patientPerson(system, 'user')
    const { findings, operations, output } = await schemathesis(system.gateway, user, {
      known: await makeRows(system.gateway, user, 'user'),
      filters: ['--exclude-operation-id', 'deleteMe'],
    })
    if (findings.length > 0) console.error(output)
    expect(findings).toEqual([])
    expect(operations).toBe((await operationCount(system)) - 1)
    expect((await client(system.gateway, user.token).get('/v1/users/me')).status).toBe(200)
  },
  timeoutMs + 30_000,
)

it(
  'as a user who deletes the own account',
  async () => {
    const user = await patientPerson(system, 'user')
    const { findings, output } = await schemathesis(system.gateway, user, {
      filters: ['--include-operation-id', 'deleteMe', '--phases', 'coverage,fuzzing'],
    })
    if (findings.length > 0) console.error(output)
    expect(findings).toEqual([])
  },
  timeoutMs + 30_000,
)

it('the run got through to what the routes do, and to no fault', async () => {
  expect((await neverDone(system)).filter((operationId) => !notForUsers.test(operationId))).toEqual([])
  const answers = [...(await answersOf(system))]
  expect(answers.filter(([, statuses]) => [...statuses].some((status) => status >= 500))).toEqual([])
})
