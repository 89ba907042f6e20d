import { client } from '@clientele/platform/testing/client'
import type { HostileSystem } from '../hostile-system.ts'
import { createDemoRecords } from './demo-records.ts'
import { excluded, schemathesis, timeoutMs } from './schemathesis.ts'
import { neverSucceeded, operationCount, signInForLong, startTarget, statusesByRoute } from './target.ts'
import { installTools } from './tools.ts'

let system: HostileSystem
beforeAll(async () => {
  await installTools()
  system = await startTarget()
}, 900_000)
afterAll(() => system?.close(), 60_000)

/** These are for admins, or need secrets that Schemathesis does not know. */
const notForUsers =
  /Audit|Webhook|User$|Users$|UserSessions?$|UserLock$|Role$|^(?:mailPasswordReset|signIn|signOut|refreshTokens|confirmEmail|restoreEmail|endMySession|streamEvents|renameTag|retryNotification|receiveDeliveryReport)$/

it(
  'every response to a user conforms to the OpenAPI document',
  async () => {
    const user = await signInForLong(system, 'user')
    const { findings, operations, output } = await schemathesis(system.gateway, user, {
      known: await createDemoRecords(system.gateway, user, 'user'),
      filters: excluded.flatMap((operationId) => ['--exclude-operation-id', operationId]),
    })
    if (findings.length > 0) console.error(output)
    expect(findings).toEqual([])
    expect(operations).toBe((await operationCount(system)) - excluded.length)
    expect((await client(system.gateway, user.token).get('/v1/users/me')).status).toBe(200)
  },
  timeoutMs + 30_000,
)

it(
  'every response to users who delete their own account conforms to the OpenAPI document',
  async () => {
    const user = await signInForLong(system, 'user')
    const { findings, output } = await schemathesis(system.gateway, user, {
      filters: ['--include-operation-id', 'deleteMe', '--phases', 'coverage,fuzzing'],
    })
    if (findings.length > 0) console.error(output)
    expect(findings).toEqual([])
  },
  timeoutMs + 30_000,
)

it('every operation succeeded at least once, and none returned 5xx', async () => {
  expect((await neverSucceeded(system)).filter(({ operationId }) => !notForUsers.test(operationId))).toEqual([])
  const responses = [...(await statusesByRoute(system))]
  expect(responses.filter(([, statuses]) => [...statuses].some((status) => status >= 500))).toEqual([])
})
