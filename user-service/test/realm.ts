import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { testEnv } from '@clientele/platform/testing/database'
import { masterToken, realmAdmin } from '@clientele/platform/testing/realm'

/** Secrets of a realm that lives as long as its test file. */
export const secrets = {
  CLIENTELE_LOGIN_SECRET: 'test-login-secret',
  CLIENTELE_USER_SERVICE_SECRET: 'test-service-secret',
}

const file = new URL('../../deploy/keycloak/realm.json', import.meta.url)

/** The product's realm file as the import reads it, under another name. */
const definition = async (name: string): Promise<Record<string, unknown>> => {
  const values: Record<string, string> = { ...secrets, CLIENTELE_SMTP_PORT: testEnv('TEST_SMTP_PORT') }
  const text = (await readFile(file, 'utf8')).replace(
    /\$\{([A-Z_]+)(?::([^}]*))?\}/g,
    (_all, key: string, other?: string) => values[key] ?? other ?? '',
  )
  const realm = JSON.parse(text.replaceAll('default-roles-clientele', `default-roles-${name}`)) as Record<
    string,
    unknown
  >
  const truths = ['registrationAllowed', 'verifyEmail'].map((key) => [key, String(realm[key]) === 'true'])
  return { ...realm, ...Object.fromEntries(truths), realm: name }
}

const master = async (method: string, path: string, body?: unknown): Promise<void> => {
  const response = await fetch(`${testEnv('TEST_KEYCLOAK_URL')}/admin/realms${path}`, {
    method,
    headers: { authorization: `Bearer ${await masterToken()}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(90_000),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
}

/** A realm of a test file's own, made from deploy/keycloak/realm.json: nobody else's admins, events or sweeps are in it. */
export const makeRealm = async (change: Record<string, unknown> = {}) => {
  const name = `users-${randomBytes(5).toString('hex')}`
  await master('POST', '', { ...(await definition(name)), ...change })
  return { name, ...realmAdmin(name), drop: () => master('DELETE', `/${name}`) }
}
