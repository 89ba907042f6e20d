import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { testEnv } from '@clientele/platform/testing/database'
import { masterToken, quickHashes, realmAdmin } from '@clientele/platform/testing/realm'

/** Client secrets of the realms that tests create. */
export const secrets = {
  CLIENTELE_LOGIN_SECRET: 'test-login-secret',
  CLIENTELE_USER_SERVICE_SECRET: 'test-service-secret',
}

const file = new URL('../../deploy/keycloak/realm.json', import.meta.url)

// Keycloak takes 2 s to make the keys of a realm, and a tenth of a second to hash a password as it does by default.
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})
const keyProvider = (providerId: string, config: Record<string, string[]> = {}) => ({
  name: providerId,
  providerId,
  config: { priority: ['100'], ...config },
})
const keys = [
  keyProvider('rsa', { privateKey: [privateKey], algorithm: ['RS256'] }),
  keyProvider('hmac-generated', { algorithm: ['HS512'] }),
  keyProvider('aes-generated'),
]

/** deploy/keycloak/realm.json under another name, with values for its placeholders, with the keys above and quick hashes. */
const realmDefinition = async (name: string): Promise<Record<string, unknown>> => {
  const values: Record<string, string> = { ...secrets, CLIENTELE_SMTP_PORT: testEnv('TEST_SMTP_PORT') }
  const text = (await readFile(file, 'utf8')).replace(
    /\$\{([A-Z_]+)(?::([^}]*))?\}/g,
    (_all, key: string, other?: string) => values[key] ?? other ?? '',
  )
  const realm = JSON.parse(text.replaceAll('default-roles-clientele', `default-roles-${name}`)) as Record<
    string,
    unknown
  >
  const booleans = ['registrationAllowed', 'verifyEmail'].map((key) => [key, String(realm[key]) === 'true'])
  return {
    ...realm,
    ...Object.fromEntries(booleans),
    passwordPolicy: `${realm['passwordPolicy']} and ${quickHashes}`,
    components: { ...(realm['components'] as object), 'org.keycloak.keys.KeyProvider': keys },
    realm: name,
  }
}

const callAdminApi = async (method: string, path: string, body?: unknown): Promise<void> => {
  const response = await fetch(`${testEnv('TEST_KEYCLOAK_URL')}/admin/realms${path}`, {
    method,
    headers: { authorization: `Bearer ${await masterToken()}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(90_000),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
}

/** Creates a realm from deploy/keycloak/realm.json for one test file, which has its users and event logs to itself. */
export const createRealm = async (change: Record<string, unknown> = {}) => {
  const name = `users-${randomBytes(5).toString('hex')}`
  await callAdminApi('POST', '', { ...(await realmDefinition(name)), ...change })
  return { name, ...realmAdmin(name), drop: () => callAdminApi('DELETE', `/${name}`) }
}
