import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { adminUserFrom, findUser, grantRole, letSignIn, signInAsKeycloakAdmin } from './backing/keycloak-admin.ts'
import { parseArguments } from './processes/arguments.ts'
import { fail } from './processes/fail.ts'
import { realmName } from './profile/services.ts'
import { loadSettings } from './profile/settings.ts'

const usage = `usage: npm run superuser -- --username <name> --email <address> [--name <first>] [--surname <last>]
Creates an account with the role admin, or gives an existing account that role.

  --username NAME, --email ADDRESS   of the account
  --name FIRST, --surname LAST       of the user; optional

Environment: SUPERUSER_PASSWORD is the password of a new account; by default the command asks for it. An existing account
keeps its password. CLIENTELE_KEYCLOAK_URL is the address of Keycloak.`

const askPassword = async (): Promise<string> => {
  if (process.env.SUPERUSER_PASSWORD) return process.env.SUPERUSER_PASSWORD
  if (!process.stdin.isTTY)
    return fail('there is no password: set SUPERUSER_PASSWORD, or run this command in a terminal')
  process.stdout.write('Password (not shown): ')
  const hidden = new Writable({ write: (_chunk, _encoding, message) => message() })
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
const { values } = parseArguments({ options }, usage)
const { username, email } = values
if (!username || !email) fail(usage)

const { keycloakUrl, secrets } = loadSettings()
try {
  const admin = await signInAsKeycloakAdmin(keycloakUrl, adminUserFrom(process.env), secrets.keycloakAdmin)
  const existing = await findUser(admin, realmName, username ?? '')
  if (!existing) {
    await admin.call('POST', `/${realmName}/users`, {
      username,
      email,
      enabled: true,
      emailVerified: true,
      firstName: values.name,
      lastName: values.surname,
      credentials: [{ type: 'password', value: await askPassword(), temporary: false }],
    })
  }
  const user = existing ?? (await findUser(admin, realmName, username ?? ''))
  if (!user) throw new Error('Keycloak created the account, but does not return it')
  const pending = existing ? await letSignIn(admin, realmName, user.id) : []
  for (const role of ['user', 'admin']) await grantRole(admin, realmName, user.id, role)
  const message = existing ? `${username} is an admin now; the account existed before` : `${username} is an admin now`
  console.log(
    pending.length > 0
      ? `${message}, and has to do this on Keycloak's sign-in page first: ${pending.join(', ')}`
      : message,
  )
} catch (error) {
  const unreachable = error instanceof TypeError
  fail(
    unreachable
      ? `Keycloak does not respond at ${keycloakUrl}: run \`npm start\` first, or set CLIENTELE_KEYCLOAK_URL`
      : String(error instanceof Error ? error.message : error),
  )
}
