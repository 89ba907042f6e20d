import { signIn } from '@clientele/platform/testing/tokens'
import { consoleUsers } from './console-users.ts'
import { password, startUsers, type UsersService, unique } from './users-service.ts'

let users: UsersService
beforeAll(async () => {
  users = await startUsers()
}, 120_000)
afterAll(() => users?.end(), 60_000)

const { createInConsole, untilCreated } = consoleUsers(() => users)

type Profile = { attributes: Record<string, unknown>[] }

/** An attribute of the shop's own in the user profile of the realm, while `work` runs. */
const withAttribute = async (attribute: Record<string, unknown>, work: () => Promise<void>): Promise<void> => {
  const { body: profile } = await users.realm.call<Profile>('GET', '/users/profile')
  const everybody = ['admin', 'user']
  const added = { name: 'shopNumber', permissions: { view: everybody, edit: everybody }, ...attribute }
  await users.realm.call('PUT', '/users/profile', { ...profile, attributes: [...profile.attributes, added] })
  try {
    await work()
  } finally {
    await users.realm.call('PUT', '/users/profile', profile)
  }
}
const required = { required: { roles: ['admin', 'user'] } }
const aUser = () => {
  const username = unique('ada')
  return { username, email: `${username}@example.com` }
}
const createUser = async (fields: Record<string, unknown> = {}) => {
  const user = await createInConsole(fields)
  await untilCreated(user.id)
  return user
}
/** Keycloak takes an update with attributes for the whole profile. */
const setAttributes = (id: string, username: string, attributes: Record<string, string[]>) =>
  users.realm.updateUser(id, { username, email: `${username}@example.com`, attributes })
/** Waits until the events so far are handled. */
const untilFollowed = () => createUser({ attributes: { shopNumber: ['1234'] } })
const getUser = async (id: string) => (await users.admin().get(`/v1/users/${id}`)).body

describe('An attribute that the realm requires of every user', () => {
  const missing = {
    status: 422,
    body: {
      code: 'validation',
      detail: expect.stringContaining('shopNumber'),
      errors: [
        {
          pointer: '/attributes/shopNumber',
          code: 'required',
          message: expect.stringMatching(/shopNumber.*is required/),
        },
      ],
    },
  }

  it('a change of somebody who lacks it, a new user and a sign-up are refused with 422, which names it', async () => {
    const { id } = await createUser()
    await withAttribute(required, async () => {
      expect(await users.admin().patch(`/v1/users/${id}`, { surname: 'Changed' })).toMatchObject(missing)
      expect(await users.admin().patch(`/v1/users/${id}`, { password: 'another horse' })).toMatchObject(missing)
      expect(await users.admin().post('/v1/users', aUser())).toMatchObject(missing)
      const signUp = { email: aUser().email, password: 'another horse' }
      expect(await users.anonymous().post('/v1/auth/signup', signUp)).toMatchObject(missing)
    })
  })

  it('a value that breaks its rule is refused with 422, which names the rule and its limits', async () => {
    const { id, username } = await createUser()
    await withAttribute({}, async () => {
      await setAttributes(id, username, { shopNumber: ['12'] })
    })
    await withAttribute({ validations: { length: { min: 3, max: 5 } } }, async () => {
      expect(await users.admin().patch(`/v1/users/${id}`, { surname: 'Changed' })).toMatchObject({
        status: 422,
        body: {
          errors: [
            {
              pointer: '/attributes/shopNumber',
              code: 'invalid_length',
              message: expect.stringContaining('invalid length: 3, 5'),
            },
          ],
        },
      })
    })
  })

  it('changes of somebody who has it keep it', async () => {
    const { id, username } = await createUser()
    await withAttribute(required, async () => {
      await setAttributes(id, username, { shopNumber: ['1234'] })
      expect(await users.admin().patch(`/v1/users/${id}`, { surname: 'Changed' })).toMatchObject({ status: 200 })
      expect(await users.admin().patch(`/v1/users/${id}`, { enabled: false })).toMatchObject({ status: 200 })
      const { body } = await users.realm.call('GET', `/users/${id}`)
      expect(body).toMatchObject({ enabled: false, lastName: 'Changed', attributes: { shopNumber: ['1234'] } })
    })
  })

  it('somebody who lacks it can be disabled, also an admin by a group, and enabled again', async () => {
    const { id, username } = await createUser()
    const { body: admin } = await users.realm.call('GET', '/roles/admin')
    const group = (await users.realm.call('POST', '/groups', { name: unique('group') })).location.split('/').at(-1)
    await users.realm.call('POST', `/groups/${group}/role-mappings/realm`, [admin])
    await users.realm.call('PUT', `/users/${id}/groups/${group}`)
    await users.events.next('user.role_granted.v1', id, 5_000)
    await signIn(username, password, 'test-client', users.realm.name)
    const rolesInKeycloak = async () =>
      (await users.realm.call<{ name: string }[]>('GET', `/users/${id}/role-mappings/realm/composite`)).body.map(
        ({ name }) => name,
      )
    const before = (await rolesInKeycloak()).sort()

    await withAttribute(required, async () => {
      const disabled = { enabled: false, roles: ['admin', 'user'] }
      expect(await users.admin().patch(`/v1/users/${id}`, { enabled: false })).toMatchObject({
        status: 200,
        body: disabled,
      })
      await users.events.next('user.disabled.v1', id, 5_000)
      const { body } = await users.internal().get('/revocations')
      expect(body.data.map(({ userId }: { userId: string }) => userId)).toContain(id)
      expect((await users.realm.call<unknown[]>('GET', `/users/${id}/sessions`)).body).toEqual([])
      expect(await rolesInKeycloak()).toEqual([])
      await untilFollowed()
      expect(await getUser(id)).toMatchObject(disabled)
      expect(await users.admin().patch(`/v1/users/${id}`, { roles: ['user'] })).toMatchObject({
        status: 409,
        body: { code: 'invalid_state' },
      })

      const enabled = { enabled: true, roles: ['admin', 'user'] }
      expect(await users.admin().patch(`/v1/users/${id}`, { enabled: true })).toMatchObject({
        status: 200,
        body: enabled,
      })
      expect((await rolesInKeycloak()).sort()).toEqual(before)
      await untilFollowed()
      expect(await getUser(id)).toMatchObject(enabled)
    })
  })

  it('somebody who was disabled without it is enabled again by a role that they get in Keycloak', async () => {
    const { id } = await createUser()
    await users.realm.grant(id, 'admin')
    await users.events.next('user.role_granted.v1', id, 5_000)
    await withAttribute(required, async () => {
      const change = { enabled: false, roles: ['user'] }
      expect(await users.admin().patch(`/v1/users/${id}`, change)).toMatchObject({ status: 200, body: change })
      await users.events.next('user.disabled.v1', id, 5_000)
      await users.realm.grant(id, 'user')
      await users.events.next('user.enabled.v1', id, 5_000)
      expect(await getUser(id)).toMatchObject({ enabled: true, roles: ['user'] })
    })
  })
})

describe('Calls that Keycloak refuses', () => {
  it('a service account that lacks a role is named in a 500 without Retry-After', async () => {
    const { id } = await createUser()
    const account = await users.realm.findUser('service-account-clientele-user-service')
    const { body: clients } = await users.realm.call<{ id: string }[]>('GET', '/clients?clientId=realm-management')
    const path = `/users/${account?.id}/role-mappings/clients/${clients[0]?.id}`
    const { body: roles } = await users.realm.call<{ name: string }[]>('GET', path)
    const manageUsers = roles.filter(({ name }) => name === 'manage-users')
    await users.realm.call('DELETE', path, manageUsers)
    try {
      // The token that user-service has keeps its roles until it is renewed.
      await users.realm.call('POST', '/logout-all', {})
      const response = await users.admin().patch(`/v1/users/${id}`, { surname: 'Changed' })
      expect(response).toMatchObject({
        status: 500,
        body: { code: 'internal', detail: expect.stringMatching(/service account .* lacks a role .*manage-users/) },
      })
      expect(response.headers.get('retry-after')).toBeNull()
    } finally {
      await users.realm.call('POST', path, manageUsers)
    }
  })
})
