import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { projectRoot } from '@clientele/stack/processes/folders'

/**
 * Writes k8s/overlays/production/keycloak-realm.json: the realm file as a KeycloakRealmImport of the Keycloak Operator, which
 * needs the realm inside the resource, with typed values. With `--check` it fails if the file is out of date.
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
// These placeholders stay; the operator replaces them by values of Secrets.
const secrets = {
  CLIENTELE_LOGIN_SECRET: { name: 'clientele-keycloak', key: 'login' },
  CLIENTELE_USER_SERVICE_SECRET: { name: 'clientele-keycloak', key: 'user-service' },
}

const fillPlaceholders = (text: string): string =>
  text.replace(/\$\{([A-Z_]+)(?::([^}]*))?\}/g, (whole, name: string, fallback = '') =>
    Object.hasOwn(secrets, name) ? whole : (values[name] ?? fallback),
  )

const stringMaps = new Set(['smtpServer', 'config', 'attributes'])

/**
 * Fills in the placeholders. A value that is a single placeholder becomes a boolean if it reads as one, for example
 * `"${VERIFY_EMAIL:true}"` becomes `true`, except in maps of strings.
 */
const fillValues = (node: unknown, inStringMap = false): unknown => {
  if (Array.isArray(node)) return node.map((item) => fillValues(item, inStringMap))
  if (typeof node === 'object' && node !== null)
    return Object.fromEntries(
      Object.entries(node).map(([key, value]) => [key, fillValues(value, inStringMap || stringMaps.has(key))]),
    )
  if (typeof node !== 'string') return node
  const text = fillPlaceholders(node)
  return !inStringMap && text !== node && /^(true|false)$/.test(text) ? text === 'true' : text
}

const resource = {
  apiVersion: 'k8s.keycloak.org/v2alpha1',
  kind: 'KeycloakRealmImport',
  metadata: { name: 'clientele' },
  spec: {
    keycloakCRName: 'clientele-keycloak',
    placeholders: Object.fromEntries(Object.entries(secrets).map(([name, secret]) => [name, { secret }])),
    realm: fillValues(JSON.parse(readFileSync(source, 'utf8'))),
  },
}

const { check = false } = parseArgs({ options: { check: { type: 'boolean' } } }).values
const text = `${JSON.stringify(resource, undefined, 2)}\n`
const kept = existsSync(target) ? readFileSync(target, 'utf8') : ''
if (kept === text) console.log('the realm of the Keycloak Operator is up to date')
else if (check) {
  console.error('k8s/overlays/production/keycloak-realm.json is out of date: run npm run generate')
  process.exit(1)
} else writeFileSync(target, text)
