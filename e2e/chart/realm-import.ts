import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { projectRoot } from '@clientele/stack/processes/folders'

/**
 * Writes k8s/overlays/production/keycloak-realm.json: the realm file as a resource of the Keycloak Operator, which has no way
 * to read it from elsewhere and wants its placeholders typed. `--check` fails where that would change it.
 */
const source = join(projectRoot, 'deploy', 'keycloak', 'realm.json')
const target = join(projectRoot, 'k8s', 'overlays', 'production', 'keycloak-realm.json')

const values: Record<string, string> = {
  CLIENTELE_PUBLIC_URL: 'https://crm.example.com',
  CLIENTELE_SMTP_HOST: 'smtp.example.com',
  CLIENTELE_SMTP_PORT: '587',
  CLIENTELE_SMTP_FROM: 'no-reply@example.com',
  CLIENTELE_SMTP_STARTTLS: 'true',
}
// Kept as they are: the operator fills them in from Secrets.
const secrets = {
  CLIENTELE_LOGIN_SECRET: { name: 'clientele-keycloak', key: 'login' },
  CLIENTELE_USER_SERVICE_SECRET: { name: 'clientele-keycloak', key: 'user-service' },
}

const filled = (text: string): string =>
  text.replace(/\$\{([A-Z_]+)(?::([^}]*))?\}/g, (whole, name: string, fallback = '') =>
    Object.hasOwn(secrets, name) ? whole : (values[name] ?? fallback),
  )

const isText = new Set(['smtpServer', 'config', 'attributes'])

/** Placeholders filled in; what was one as a whole and reads as a truth value becomes one, save in maps of texts. */
const typed = (node: unknown, texts = false): unknown => {
  if (Array.isArray(node)) return node.map((item) => typed(item, texts))
  if (typeof node === 'object' && node !== null)
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, typed(value, texts || isText.has(key))]))
  if (typeof node !== 'string') return node
  const text = filled(node)
  return !texts && text !== node && /^(true|false)$/.test(text) ? text === 'true' : text
}

const resource = {
  apiVersion: 'k8s.keycloak.org/v2alpha1',
  kind: 'KeycloakRealmImport',
  metadata: { name: 'clientele' },
  spec: {
    keycloakCRName: 'clientele-keycloak',
    placeholders: Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, { secret }])),
    realm: typed(JSON.parse(readFileSync(source, 'utf8'))),
  },
}

const { check = false } = parseArgs({ options: { check: { type: 'boolean' } } }).values
const text = `${JSON.stringify(resource, undefined, 2)}\n`
const kept = existsSync(target) ? readFileSync(target, 'utf8') : ''
if (kept === text) console.log('the realm of the Keycloak Operator is up to date')
else if (check) {
  console.error('k8s/overlays/production/keycloak-realm.json is not made from deploy/keycloak/realm.json as it is')
  process.exit(1)
} else writeFileSync(target, text)
