import { localFrontEnds } from '../backing/front-ends.ts'
import { fail } from '../processes/fail.ts'
import { homeFolder } from '../processes/folders.ts'
import { hostFrom, hostInUrl } from './host.ts'
import { type Ports, portsFrom } from './ports.ts'
import { type Secrets, secretsOf } from './secrets.ts'

/** The settings of the local profile, from the environment and the data folder. */
export type Settings = {
  home: string
  /** The address that the gateway and Keycloak listen on. */
  host: string
  ports: Ports
  secrets: Secrets
  publicUrl: string
  /** Origins of front ends, separated by commas. */
  frontEndOrigins: string
  keycloakUrl: string
  keycloakPublicUrl: string
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '')

/** Loads the settings. A wrong one is reported in one line and ends the command with code 1. */
export const loadSettings = (): Settings => {
  try {
    return settingsFrom(process.env)
  } catch (error) {
    return fail(error)
  }
}

const settingsFrom = (env: NodeJS.ProcessEnv): Settings => {
  const home = homeFolder()
  const ports = portsFrom(env)
  const host = hostFrom(env)
  const localUrl = (port: number) => `http://${hostInUrl(host)}:${port}`
  const keycloakUrl = withoutSlash(env.CLIENTELE_KEYCLOAK_URL ?? localUrl(ports.KEYCLOAK_PORT))
  return {
    home,
    host,
    ports,
    secrets: secretsOf(home, env),
    frontEndOrigins: env.FRONT_END_ORIGINS || localFrontEnds,
    publicUrl: withoutSlash(env.CLIENTELE_PUBLIC_URL ?? localUrl(ports.GATEWAY_PORT)),
    keycloakUrl,
    keycloakPublicUrl: withoutSlash(env.CLIENTELE_KEYCLOAK_PUBLIC_URL ?? keycloakUrl),
  }
}
