import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { testEnv } from '@clientele/platform/testing/database'
import { realmAdmin } from '@clientele/platform/testing/realm'
import { signIn } from '@clientele/platform/testing/tokens'
import { projectRoot } from '../src/processes/folders.ts'
import { realmName } from '../src/profile/services.ts'

const realm = realmAdmin(realmName)
const home = mkdtempSync(join(tmpdir(), 'clientele-superuser-'))
const username = `superuser-${Math.random().toString(36).slice(2)}`
const email = `${username}@example.com`
const password = 'a long enough Passw0rd'

afterAll(async () => {
  const user = await realm.findUser(username)
  if (user) await realm.deleteUser(user.id)
  rmSync(home, { recursive: true, force: true })
})

/** @returns what the command prints */
const superuser = async (...args: string[]): Promise<string> => {
  const command = [join(projectRoot, 'stack', 'src', 'superuser.ts'), ...args]
  const env = {
    ...process.env,
    CLIENTELE_HOME: home,
    CLIENTELE_KEYCLOAK_URL: testEnv('TEST_KEYCLOAK_URL'),
    CLIENTELE_KEYCLOAK_ADMIN_USER: testEnv('TEST_KEYCLOAK_ADMIN_USER'),
    CLIENTELE_KEYCLOAK_ADMIN_PASSWORD: testEnv('TEST_KEYCLOAK_ADMIN_PASSWORD'),
    SUPERUSER_PASSWORD: password,
  }
  return (await promisify(execFile)(process.execPath, command, { env })).stdout
}

const findSuperuser = async () => {
  const { id = '' } = (await realm.findUser(username)) ?? {}
  const { body: user } = await realm.call<{ email: string; emailVerified: boolean; requiredActions: string[] }>(
    'GET',
    `/users/${id}`,
  )
  const { body: roles } = await realm.call<{ name: string }[]>('GET', `/users/${id}/role-mappings/realm`)
  return { id, ...user, roles: roles.map(({ name }) => name) }
}

/** Signs in with the password. @returns the roles in the token */
const rolesOfToken = async (): Promise<string[]> => {
  await realm.ensureClient('test-client', { audience: 'clientele-api' })
  const { token } = await signIn(username, password)
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  return (claims as { realm_access: { roles: string[] } }).realm_access.roles
}

describe('npm run superuser', () => {
  it('npm run superuser creates an admin who can sign in at once', async () => {
    expect(await superuser('--username', username, '--email', email)).toContain(username)
    const { roles, ...user } = await findSuperuser()
    expect(user).toMatchObject({ email, emailVerified: true, requiredActions: [] })
    expect(roles).toEqual(expect.arrayContaining(['admin', 'user']))
    expect(await rolesOfToken()).toEqual(expect.arrayContaining(['admin', 'user']))
  })

  it('npm run superuser makes an existing user an admin again', async () => {
    const { id } = await findSuperuser()
    await realm.revoke(id, 'admin')
    await superuser('--username', username, '--email', email)
    const again = await findSuperuser()
    expect(again.id).toBe(id)
    expect(again.roles).toContain('admin')
  })

  it('npm run superuser lets an existing user sign in who was disabled and had pending actions', async () => {
    const { id } = await findSuperuser()
    await realm.revoke(id, 'admin', 'user')
    const requiredActions = ['VERIFY_EMAIL', 'UPDATE_PASSWORD']
    await realm.updateUser(id, { enabled: false, emailVerified: false, requiredActions })
    await superuser('--username', username, '--email', email)
    expect(await rolesOfToken()).toEqual(expect.arrayContaining(['admin', 'user']))
  })

  it('npm run superuser keeps a second factor required, and says so', async () => {
    const { id } = await findSuperuser()
    await realm.updateUser(id, { requiredActions: ['CONFIGURE_TOTP'] })
    expect(await superuser('--username', username, '--email', email)).toMatch(/sign-in page first: CONFIGURE_TOTP/)
    expect(await findSuperuser()).toMatchObject({ requiredActions: ['CONFIGURE_TOTP'] })
  })

  it('npm run superuser fails with its usage if the e-mail address is missing', async () => {
    await expect(superuser('--username', 'nobody')).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('usage: npm run superuser'),
    })
  })
})
