import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { camelCase, registry, type Service } from '@clientele/contracts/services'

/** Secrets that several processes share, or that the stack itself uses. */
const fixedSecretNames = [
  'postgres',
  'databaseOwner',
  'rabbitmq',
  'brokerOperator',
  'gatewayBroker',
  'keycloakAdmin',
  'login',
  'userService',
  'mediaSigning',
] as const

export type SecretName = (typeof fixedSecretNames)[number]
/** All secrets by name, with those of the services (see {@link secretNamesOf}). */
export type Secrets = Record<SecretName, string> & Record<string, string>

/** The name of the secret that is the password of a schema's role. */
export const databaseSecret = (schema: string): string => `${schema}Database`

/** The name of the secret that is the password of a process's account at the broker: `customerServiceBroker`. */
export const brokerSecret = (process: string): string => `${camelCase(process)}Broker`

/** The names of the secrets that belong to these services. */
export const secretNamesOf = (services: Pick<Service, 'name' | 'schema' | 'secrets'>[]): string[] =>
  services.flatMap(({ name, schema, secrets }) => [databaseSecret(schema), brokerSecret(name), ...secrets])

const names: string[] = [...fixedSecretNames, ...secretNamesOf(registry.services)]

/** @throws Error if there is no secret of that name */
export const secretOf = (secrets: Secrets, name: string): string => {
  const secret = secrets[name]
  if (secret === undefined) throw new Error(`unknown secret ${name}`)
  return secret
}

// The secrets of an external Keycloak come from the environment.
const secretVariables: Record<string, string> = {
  keycloakAdmin: 'CLIENTELE_KEYCLOAK_ADMIN_PASSWORD',
  login: 'CLIENTELE_LOGIN_SECRET',
  userService: 'CLIENTELE_USER_SERVICE_SECRET',
}

/**
 * The secrets of a data folder. Random ones are created at the first use and stored in `secrets.json`, which only its owner
 * can read. Secrets in `env` take precedence and are not stored.
 */
export const secretsOf = (home: string, env: NodeJS.ProcessEnv = {}): Secrets => {
  const file = join(home, 'secrets.json')
  const stored: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  const values = new Map(Object.entries(stored ?? {}))
  const storedSecret = (name: string): string | undefined => {
    const value: unknown = values.get(name)
    return typeof value === 'string' && value.length > 0 ? value : undefined
  }
  const missing = names.filter((name) => !storedSecret(name))
  const secrets = Object.fromEntries(
    names.map((name) => [name, storedSecret(name) ?? randomBytes(32).toString('base64url')]),
  ) as Secrets
  if (missing.length > 0) {
    mkdirSync(home, { recursive: true })
    const temporary = `${file}.${process.pid}`
    writeFileSync(temporary, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
    renameSync(temporary, file)
  }
  const effective = names.map((name) => [name, env[secretVariables[name] ?? ''] || secrets[name]])
  return Object.fromEntries(effective) as Secrets
}
