import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { registry, type Service } from '@clientele/contracts/services'

/** Secrets that more than one part knows, or that the stack itself uses. */
const fixedNames = ['postgres', 'rabbitmq', 'keycloakAdmin', 'login', 'userService', 'mediaSigning'] as const

export type SecretName = (typeof fixedNames)[number]
/** Those of services as well, by the names of `secretNamesOf`. */
export type Secrets = Record<SecretName, string> & Record<string, string>

/** The secret that is the password of a schema's role. */
export const databaseSecret = (schema: string): string => `${schema}Database`

/** The names of the secrets that these services have for themselves. */
export const secretNamesOf = (services: Pick<Service, 'schema' | 'secrets'>[]): string[] =>
  services.flatMap(({ schema, secrets }) => [databaseSecret(schema), ...secrets])

const names: string[] = [...fixedNames, ...secretNamesOf(registry.services)]

/** @throws Error where there is no secret of that name */
export const secretOf = (secrets: Secrets, name: string): string => {
  const secret = secrets[name]
  if (secret === undefined) throw new Error(`there is no secret ${name}`)
  return secret
}

// Those of a Keycloak that was given from outside come from the environment.
const variables: Record<string, string> = {
  keycloakAdmin: 'CLIENTELE_KEYCLOAK_ADMIN_PASSWORD',
  login: 'CLIENTELE_LOGIN_SECRET',
  userService: 'CLIENTELE_USER_SERVICE_SECRET',
}

/** The random secrets of this data folder, made at its first use and kept in a file that only its owner reads. */
export const secretsOf = (home: string, env: NodeJS.ProcessEnv = {}): Secrets => {
  const file = join(home, 'secrets.json')
  const kept: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  const values = new Map(Object.entries(kept ?? {}))
  const known = (name: string): string | undefined => {
    const value: unknown = values.get(name)
    return typeof value === 'string' && value.length > 0 ? value : undefined
  }
  const missing = names.filter((name) => !known(name))
  const secrets = Object.fromEntries(
    names.map((name) => [name, known(name) ?? randomBytes(32).toString('base64url')]),
  ) as Secrets
  if (missing.length > 0) {
    mkdirSync(home, { recursive: true })
    const part = `${file}.${process.pid}`
    writeFileSync(part, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
    renameSync(part, file)
  }
  const given = names.map((name) => [name, env[variables[name] ?? ''] || secrets[name]])
  return Object.fromEntries(given) as Secrets
}
