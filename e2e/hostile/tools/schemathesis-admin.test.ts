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

/** They need secrets that no schema tells, or the present username, which the realm keeps; the last ends the run. */
const notTried = ['signIn', 'refreshTokens', 'replaceUser', 'deleteMe', 'receiveDeliveryReport']

it(
  'as an admin every answer is one that the API document promises',
  async () => {
    const admin = await patientPerson(system, 'admin')
    const { findings, operations, output } = await schemathesis(system.gateway, admin, {
      known: await makeRows(system.gateway, admin, 'admin'),
      filters: ['--exclude-operation-id', 'deleteMe'],
    })
    if (findings.length > 0) console.error(output)
    expect(findings).toEqual([])
    expect(operations).toBe((await operationCount(system)) - 1)
    expect((await client(system.gateway, admin.token).get('/v1/users')).status).toBe(200)
  },
  timeoutMs + 30_000,
)

it('the run got through to what the routes do, and to no fault', async () => {
  expect((await neverDone(system)).filter((operationId) => !notTried.includes(operationId))).toEqual([])
  const answers = [...(await answersOf(system))]
  expect(answers.filter(([, statuses]) => [...statuses].some((status) => status >= 500))).toEqual([])
})
