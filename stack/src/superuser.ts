import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import { keycloakAdminUser } from './backing/backing.ts'
import { findUser, grantRole, keycloakAdmin } from './backing/keycloak-admin.ts'
import { fail } from './processes/fail.ts'
import { realmName } from './profile/services.ts'
import { settings } from './profile/settings.ts'

const usage = `usage: npm run superuser -- --username <name> --email <address> [--name <first>] [--surname <last>]
The password is asked for, or taken from SUPERUSER_PASSWORD; it must be changed at the first sign-in.`

const askPassword = async (): Promise<string> => {
  if (process.env.SUPERUSER_PASSWORD) return process.env.SUPERUSER_PASSWORD
  if (!process.stdin.isTTY) return fail('no password: set SUPERUSER_PASSWORD, or run this in a terminal')
  process.stdout.write('Password (not shown): ')
  const hidden = new Writable({ write: (_chunk, _encoding, done) => done() })
  const prompt = createInterface({ input: process.stdin, output: hidden, terminal: true })
  const password = await prompt.question('')
  prompt.close()
  process.stdout.write('\n')
  return password
}

const options = {
  username: { type: 'string' },
  email: { type: 'string' },
  name: { type: 'string' },
  surname: { type: 'string' },
} as const
const { values } = (() => {
  try {
    return parseArgs({ options })
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  }
})()
const { username, email } = values
if (!username || !email) fail(usage)

const { keycloakUrl, secrets } = settings()
try {
  const admin = await keycloakAdmin(
    keycloakUrl,
    process.env.CLIENTELE_KEYCLOAK_ADMIN_USER ?? keycloakAdminUser,
    secrets.keycloakAdmin,
  )
  const known = await findUser(admin, realmName, username ?? '')
  if (!known) {
    await admin.call('POST', `/${realmName}/users`, {
      username,
      email,
      enabled: true,
      emailVerified: true,
      firstName: values.name,
      lastName: values.surname,
      credentials: [{ type: 'password', value: await askPassword(), temporary: true }],
    })
  }
  const user = known ?? (await findUser(admin, realmName, username ?? ''))
  if (!user) throw new Error('Keycloak made the account, but does not show it')
  await grantRole(admin, realmName, user.id, 'admin')
  const done = known
    ? `${username} was there already and is an admin now`
    : `${username} is an admin; the password must be changed at the first sign-in`
  console.log(done)
} catch (error) {
  const unreachable = error instanceof TypeError
  fail(
    unreachable
      ? `Keycloak does not answer at ${keycloakUrl}: run \`npm start\` first, or set CLIENTELE_KEYCLOAK_URL`
      : String(error instanceof Error ? error.message : error),
  )
}
