import { homeFolder } from '../processes/folders.ts'
import { type Ports, portsFrom } from './ports.ts'
import { type Secrets, secretsOf } from './secrets.ts'

/** What a command of the local profile works with, from the environment and the data folder. */
export type Settings = {
  home: string
  ports: Ports
  secrets: Secrets
  publicUrl: string
  keycloakUrl: string
  keycloakPublicUrl: string
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '')

/** The settings of a command; a wrong one is told in a line, and ends it. */
export const settings = (): Settings => {
  try {
    return settingsFrom(process.env)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exit(1)
  }
}

const settingsFrom = (env: NodeJS.ProcessEnv): Settings => {
  const home = homeFolder()
  const ports = portsFrom(env)
  const keycloakUrl = withoutSlash(env.CLIENTELE_KEYCLOAK_URL ?? `http://localhost:${ports.KEYCLOAK_PORT}`)
  return {
    home,
    ports,
    secrets: secretsOf(home, env),
    publicUrl: withoutSlash(env.CLIENTELE_PUBLIC_URL ?? `http://localhost:${ports.GATEWAY_PORT}`),
    keycloakUrl,
    keycloakPublicUrl: withoutSlash(env.CLIENTELE_KEYCLOAK_PUBLIC_URL ?? keycloakUrl),
  }
}
