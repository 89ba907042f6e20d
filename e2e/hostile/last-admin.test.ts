import type { Answer } from '@clientele/platform/testing/client'
import type { SignedIn } from '@clientele/platform/testing/tokens'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'

let system: HostileSystem
beforeAll(async () => {
  system = await startHostileSystem()
}, 120_000)
afterAll(() => system?.close(), 60_000)

type Doer = ReturnType<HostileSystem['as']>
type Way = (doer: Doer, victim: SignedIn) => Promise<Answer>
const ways: Record<string, Way> = {
  demotes: (doer, { id }) => doer.delete(`/v1/users/${id}/roles/admin`),
  'demotes by PATCH': (doer, { id }) => doer.patch(`/v1/users/${id}`, { roles: ['user'] }),
  'demotes by PUT': (doer, { id, username }) =>
    doer.put(`/v1/users/${id}`, { username, email: `${username}@example.com`, enabled: true, roles: [] }),
  disables: (doer, { id }) => doer.patch(`/v1/users/${id}`, { enabled: false }),
  deletes: (doer, { id }) => doer.delete(`/v1/users/${id}`),
}
const leaves: Way = (doer) => doer.delete('/v1/users/me')

const enabledAdmins = async (): Promise<string[]> =>
  (await system.realm.call<{ id: string; enabled: boolean }[]>('GET', '/roles/admin/users?max=100')).body
    .filter(({ enabled }) => enabled)
    .map(({ id }) => id)

/** New administrators, the only ones of the realm, known to user-service. */
const admins = async (count: number): Promise<SignedIn[]> => {
  for (const id of await enabledAdmins()) await system.realm.deleteUser(id)
  const people = await Promise.all(Array.from({ length: count }, () => system.person('admin', 'user')))
  for (const { token } of people) expect((await system.as(token).get('/v1/users/me')).status).toBe(200)
  return people
}

/** Through the gateway and past it: the guard is the service's. */
const doorsOf = (index: number): string => (index % 2 === 0 ? system.gateway : system.url('user-service'))

const atOnce = async (people: SignedIn[], doings: Way[], gatewayOnly = false): Promise<number[]> => {
  const answers = await Promise.all(
    doings.map((doing, index) => {
      const doer = people[index % people.length] as SignedIn
      const victim = people[(index + 1) % people.length] as SignedIn
      return doing(system.as(doer.token, gatewayOnly ? system.gateway : doorsOf(index)), victim)
    }),
  )
  return answers.map(({ status }) => status)
}

const check = async (statuses: number[]) => {
  for (const status of statuses) expect([200, 204, 401, 403, 404, 409]).toContain(status)
  expect(statuses.some((status) => status < 300)).toBe(true)
  expect((await enabledAdmins()).length).toBeGreaterThan(0)
}

describe('administrators who take each other’s rights at the same instant leave one', () => {
  const names = Object.keys(ways)
  const pairs = names.flatMap((one, index) => names.slice(index).map((other) => [one, other] as const))

  it.each(pairs)('one %s the other, who %s the first', async (one, other) => {
    await check(await atOnce(await admins(2), [ways[one] as Way, ways[other] as Way]))
  })

  it('both leave', async () => {
    for (let round = 0; round < 2; round += 1) {
      const statuses = await atOnce(await admins(2), [leaves, leaves], true)
      expect(statuses.toSorted()).toEqual([204, 409])
      expect(await enabledAdmins()).toHaveLength(1)
    }
  })

  it('one leaves while the other demotes them, and three go round in a circle', async () => {
    for (const doing of [ways['demotes'], ways['deletes']] as Way[]) {
      await check(await atOnce(await admins(2), [leaves, doing]))
      await check(await atOnce(await admins(3), [doing, doing, doing]))
    }
  })

  it('many requests of each at once', async () => {
    const all = Object.values(ways)
    await check(await atOnce(await admins(2), [...all, ...all, ...all, leaves]))
  })
})

it('somebody who lost the rights in Keycloak’s console is not the one who stays', async () => {
  const [first, second] = await admins(2)
  await system.realm.revoke(second?.id ?? '', 'admin')
  const { status, body } = await system.as(first?.token).delete('/v1/users/me')
  expect({ status, code: body.code }).toEqual({ status: 409, code: 'last_admin' })
  expect(await enabledAdmins()).toEqual([first?.id])
})

it('nothing secret stands in the logs and refusals of all this', () => {
  const { logLines, refusals, ...found } = system.leaks()
  expect(logLines).toBeGreaterThan(100)
  expect(refusals).toBeGreaterThan(10)
  expect(found).toEqual({ inLogs: [], inRefusals: [] })
})
