import { adminUserFrom, signInAsKeycloakAdmin } from './backing/keycloak-admin.ts'
import { createMachineAccount, findMachineAccount, rotateSecret } from './backing/machine-account.ts'
import { parseArguments } from './processes/arguments.ts'
import { fail } from './processes/fail.ts'
import { realmName } from './profile/services.ts'
import { loadSettings } from './profile/settings.ts'

const usage = `usage: npm run machine-account -- --name <client id> [--roles user,admin] [--display-name <text>]
       npm run machine-account -- --name <client id> --rotate
Creates an account for a program: a client in Keycloak that gets access tokens with its secret. The secret is printed once.

  --name NAME           client id: 3 to 60 small letters, digits and dashes
  --roles ROLES         roles, separated by commas: user, admin; by default user
  --display-name TEXT   who changed a record, as the API shows it; by default the name
  --rotate              gives an existing account a new secret; tokens of the old one end within 5 s

Environment: CLIENTELE_KEYCLOAK_URL is the address of Keycloak.`

const options = {
  name: { type: 'string' },
  roles: { type: 'string' },
  'display-name': { type: 'string' },
  rotate: { type: 'boolean' },
} as const
const { values } = parseArguments({ options }, usage)

const { name = '', rotate = false } = values
if (!/^[a-z][a-z0-9-]{1,58}[a-z0-9]$/.test(name)) fail(`--name is missing or not valid\n${usage}`)
if (name.startsWith('clientele-')) fail('names that begin with clientele- are those of Clientele itself')
const roles = [...new Set((values.roles ?? 'user').split(',').map((role) => role.trim()))]
if (roles.some((role) => role !== 'user' && role !== 'admin')) fail(`--roles: use user, admin or both\n${usage}`)
const displayName = (values['display-name'] ?? name).trim()
if (displayName === '' || displayName.length > 100) fail('--display-name: use 1 to 100 characters')
if (rotate && (values.roles !== undefined || values['display-name'] !== undefined))
  fail('--rotate changes the secret only: omit --roles and --display-name')

const { keycloakUrl, keycloakPublicUrl, secrets } = loadSettings()
try {
  const admin = await signInAsKeycloakAdmin(keycloakUrl, adminUserFrom(process.env), secrets.keycloakAdmin)
  const existing = await findMachineAccount(admin, realmName, name)
  if (existing && !rotate)
    fail(`the client "${name}" exists already: use another name, or --rotate to give it a new secret`)
  if (rotate && !existing?.isMachineAccount)
    fail(existing ? `the client "${name}" is not a machine account` : `there is no machine account "${name}"`)
  const secret =
    rotate && existing
      ? await rotateSecret(admin, realmName, existing.id)
      : await createMachineAccount(admin, realmName, { clientId: name, displayName, roles })
  console.log(`client id      ${name}
client secret  ${secret}
token address  ${keycloakPublicUrl}/realms/${realmName}/protocol/openid-connect/token

The secret is not shown again. docs/machine-accounts.md shows how to use it.`)
} catch (error) {
  const unreachable = error instanceof TypeError
  fail(
    unreachable
      ? `Keycloak does not respond at ${keycloakUrl}: run \`npm start\` first, or set CLIENTELE_KEYCLOAK_URL`
      : String(error instanceof Error ? error.message : error),
  )
}
