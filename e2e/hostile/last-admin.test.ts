import type { TestResponse } from '@clientele/platform/testing/client'
import type { SignedInUser } from '@clientele/platform/testing/tokens'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'

let system: HostileSystem
beforeAll(async () => {
  system = await startHostileSystem()
}, 120_000)
afterAll(() => system?.close(), 60_000)

type Api = ReturnType<HostileSystem['as']>
type Attack = (api: Api, other: SignedInUser) => Promise<TestResponse>
const attacks: Record<string, Attack> = {
  demotes: (api, { id }) => api.delete(`/v1/users/${id}/roles/admin`),
  'demotes by PATCH': (api, { id }) => api.patch(`/v1/users/${id}`, { roles: ['user'] }),
  'demotes by PUT': (api, { id, username }) =>
    api.put(`/v1/users/${id}`, { username, email: `${username}@example.com`, enabled: true, roles: [] }),
  disables: (api, { id }) => api.patch(`/v1/users/${id}`, { enabled: false }),
  deletes: (api, { id }) => api.delete(`/v1/users/${id}`),
}
const deleteOwnAccount: Attack = (api) => api.delete('/v1/users/me')

const enabledAdmins = async (): Promise<string[]> =>
  (await system.realm.call<{ id: string; enabled: boolean }[]>('GET', '/roles/admin/users?max=100')).body
    .filter(({ enabled }) => enabled)
    .map(({ id }) => id)

/** Creates `count` admins, the only ones of the realm, whom user-service knows. */
const createAdmins = async (count: number): Promise<SignedInUser[]> => {
  for (const id of await enabledAdmins()) await system.realm.deleteUser(id)
  const admins = await Promise.all(Array.from({ length: count }, () => system.signInNewUser('admin', 'user')))
  for (const { token } of admins) expect((await system.as(token).get('/v1/users/me')).status).toBe(200)
  return admins
}

/** Every other request goes to the service directly, which has to refuse it by itself. */
const baseFor = (index: number): string => (index % 2 === 0 ? system.gateway : system.url('user-service'))

const runConcurrently = async (admins: SignedInUser[], all: Attack[], gatewayOnly = false): Promise<number[]> => {
  const responses = await Promise.all(
    all.map((attack, index) => {
      const admin = admins[index % admins.length] as SignedInUser
      const other = admins[(index + 1) % admins.length] as SignedInUser
      return attack(system.as(admin.token, gatewayOnly ? system.gateway : baseFor(index)), other)
    }),
  )
  return responses.map(({ status }) => status)
}

const expectAdminRemains = async (statuses: number[]) => {
  for (const status of statuses) expect([200, 204, 401, 403, 404, 409]).toContain(status)
  expect(statuses.some((status) => status < 300)).toBe(true)
  expect((await enabledAdmins()).length).toBeGreaterThan(0)
}

describe('Concurrent changes of the last two admins', () => {
  const names = Object.keys(attacks)
  const pairs = names.flatMap((one, index) => names.slice(index).map((other) => [one, other] as const))

  it.each(pairs)('one admin remains if the first %s the second while the second %s the first', async (one, other) => {
    await expectAdminRemains(
      await runConcurrently(await createAdmins(2), [attacks[one] as Attack, attacks[other] as Attack]),
    )
  })

  it('one admin remains if both delete their own account', async () => {
    for (let round = 0; round < 2; round += 1) {
      const statuses = await runConcurrently(await createAdmins(2), [deleteOwnAccount, deleteOwnAccount], true)
      expect(statuses.toSorted()).toEqual([204, 409])
      expect(await enabledAdmins()).toHaveLength(1)
    }
  })

  it('one admin remains if one deletes their own account while the other removes them, and if three remove each other in a circle', async () => {
    for (const attack of [attacks['demotes'], attacks['deletes']] as Attack[]) {
      await expectAdminRemains(await runConcurrently(await createAdmins(2), [deleteOwnAccount, attack]))
      await expectAdminRemains(await runConcurrently(await createAdmins(3), [attack, attack, attack]))
    }
  })

  it('one admin remains if both send many requests at the same time', async () => {
    const all = Object.values(attacks)
    await expectAdminRemains(await runConcurrently(await createAdmins(2), [...all, ...all, ...all, deleteOwnAccount]))
  })
})

it('an admin whose role was revoked in Keycloak’s console does not count as the remaining admin', async () => {
  const [first, second] = await createAdmins(2)
  await system.realm.revoke(second?.id ?? '', 'admin')
  const { status, body } = await system.as(first?.token).delete('/v1/users/me')
  expect({ status, code: body.code }).toEqual({ status: 409, code: 'last_admin' })
  expect(await enabledAdmins()).toEqual([first?.id])
})

it('logs and error responses contain no secrets', () => {
  const { logLines, errorResponses, ...found } = system.findLeaks()
  expect(logLines).toBeGreaterThan(100)
  expect(errorResponses).toBeGreaterThan(10)
  expect(found).toEqual({ inLogs: [], inErrorResponses: [] })
})
