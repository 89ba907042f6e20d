import { testEnv } from '@clientele/platform/testing/database'
import { removeFromDefaultRole } from '../src/backing/default-role.ts'
import { findUser, type KeycloakAdmin, signInAsKeycloakAdmin } from '../src/backing/keycloak-admin.ts'
import { adjustRealm } from '../src/backing/realm.ts'

const realm = `upgrade-${Math.random().toString(36).slice(2, 8)}`
const values = {
  CLIENTELE_LOGIN_SECRET: 'login-secret-of-this-test',
  CLIENTELE_USER_SERVICE_SECRET: 'user-service-secret-of-this-test',
}
const defaultRole = 'default-roles-clientele'

type Named = { id: string; name: string }

describe('A realm of an earlier version, whose default role includes the role user', () => {
  let admin: KeycloakAdmin
  const get = (path: string) => admin.call('GET', `/${realm}${path}`)
  const setDefault = async (method: 'POST' | 'DELETE') => {
    await admin.call(method, `/${realm}/roles/${defaultRole}/composites`, [await get('/roles/user')])
  }
  const rolesOf = async (id: string, kind = '') =>
    ((await get(`/users/${id}/role-mappings/realm${kind}`)) as Named[])
      .map(({ name }) => name)
      .filter((name) => ['user', 'admin'].includes(name))
      .sort()
  const createUser = async (username: string) => {
    await admin.call('POST', `/${realm}/users`, { username, email: `${username}@example.com`, enabled: true })
    return (await findUser(admin, realm, username))?.id ?? ''
  }
  const createMachine = async (clientId: string) => {
    await admin.call('POST', `/${realm}/clients`, { clientId, serviceAccountsEnabled: true, publicClient: false })
    const [client] = (await get(`/clients?clientId=${clientId}`)) as Named[]
    return ((await get(`/clients/${client?.id}/service-account-user`)) as { id: string }).id
  }

  beforeAll(async () => {
    const [user, password] = [testEnv('TEST_KEYCLOAK_ADMIN_USER'), testEnv('TEST_KEYCLOAK_ADMIN_PASSWORD')]
    admin = await signInAsKeycloakAdmin(testEnv('TEST_KEYCLOAK_URL'), user, password)
    await adjustRealm(admin, values, realm)
  }, 60_000)
  afterAll(async () => {
    await admin.call('DELETE', `/${realm}`)
  })

  it('adjustRealm takes the role out of it, and everybody who has the role keeps it', async () => {
    await setDefault('POST')
    const { attributes } = (await get('')) as { attributes: Record<string, string> }
    const version1 = { ...attributes, clienteleRealmVersion: '1' }
    await admin.call('PUT', `/${realm}`, { editUsernameAllowed: false, attributes: version1 })
    const member = await createUser('member')
    const granted = await createUser('granted')
    await admin.call('POST', `/${realm}/users/${granted}/role-mappings/realm`, [await get('/roles/user')])
    const without = await createUser('without')
    await admin.call('DELETE', `/${realm}/users/${without}/role-mappings/realm`, [await get(`/roles/${defaultRole}`)])
    const machine = await createMachine('machine')
    const service = await get('/users?exact=true&username=service-account-clientele-user-service')
    const before = (await get('')) as object

    await adjustRealm(admin, values, realm)

    expect(await get('')).toEqual({ ...before, editUsernameAllowed: true, attributes })
    for (const id of [member, granted, machine]) expect(await rolesOf(id)).toEqual(['user'])
    expect(await rolesOf(without, '/composite')).toEqual([])
    for (const { id } of service as Named[]) expect(await rolesOf(id, '/composite')).toEqual([])
    expect(await rolesOf(await createUser('later'), '/composite')).toEqual([])
    expect(await rolesOf(await createMachine('later-machine'), '/composite')).toEqual([])
  }, 60_000)

  it('an upgrade that was interrupted is completed by the next one, and then there is nothing to do', async () => {
    expect(await removeFromDefaultRole(admin, realm)).toBeUndefined()
    await setDefault('POST')
    // All accounts but the new one have the role already.
    const added = await createUser('added')
    const names = ['member', 'granted', 'without']
    const before = await Promise.all(names.map(async (name) => rolesOf((await findUser(admin, realm, name))?.id ?? '')))
    expect(before).toEqual([['user'], ['user'], []])
    expect(await removeFromDefaultRole(admin, realm)).toBe(3)
    expect(await rolesOf(added)).toEqual(['user'])
    expect(await removeFromDefaultRole(admin, realm)).toBeUndefined()
  }, 60_000)
})
