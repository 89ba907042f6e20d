import { join } from 'node:path'
import { createStore } from '@clientele/media-service/storage/create-store'
import type { Store } from '@clientele/media-service/storage/store'
import { databaseUrl, services } from '../profile/services.ts'
import type { Settings } from '../profile/settings.ts'
import { localKeycloakFile } from './keycloak-realm.ts'

/** Where the data of an installation are. */
export type Installation = {
  /** By service, each with the service's own role. */
  databases: ReadonlyMap<string, string>
  store: Store
  keycloak: KeycloakPlace
  /** To empty the queues with, at a restore. */
  broker?: { managementUrl: string; vhost: string }
}

/** Keycloak's data are in a PostgreSQL (`databaseUrl`) or in the local profile's file; `url` is where it answers. */
export type KeycloakPlace = {
  databaseUrl?: string
  file?: string
  url?: string
  /** The service account of user-service. */
  client?: { id: string; secret: string }
}

const owners = services.flatMap((row) =>
  row.schema ? [{ row, variable: `${row.schema.name.toUpperCase()}_DATABASE_URL` }] : [],
)

/** Whether the environment names the databases of an installation that is not of the local profile. */
export const isElsewhere = (env: NodeJS.ProcessEnv = process.env): boolean =>
  owners.some(({ variable }) => env[variable])

/** An installation by the addresses in the environment alone. @throws Error naming what is missing */
export const installationElsewhere = async (env: NodeJS.ProcessEnv = process.env): Promise<Installation> => {
  const missing = owners.map(({ variable }) => variable).filter((variable) => !env[variable])
  if (missing.length > 0) throw new Error(`${missing.join(', ')} must be set as well: an address for each service`)
  const url = env.KEYCLOAK_URL?.replace(/\/+$/, '')
  const secret = env.KEYCLOAK_CLIENT_SECRET
  const broker = env.RABBITMQ_MANAGEMENT_URL
  return {
    databases: new Map(owners.map(({ row, variable }) => [row.name, env[variable] ?? ''])),
    store: await createStore({
      mediaStore: env.MEDIA_STORE === 'gcs' ? 'gcs' : 'folder',
      mediaFolder: env.MEDIA_FOLDER || undefined,
      mediaBucket: env.MEDIA_BUCKET || undefined,
      gcsEndpoint: env.GCS_ENDPOINT || undefined,
    }),
    keycloak: {
      ...(env.KEYCLOAK_DATABASE_URL && { databaseUrl: env.KEYCLOAK_DATABASE_URL }),
      ...(url && { url }),
      ...(secret && { client: { id: env.KEYCLOAK_CLIENT_ID || 'clientele-user-service', secret } }),
    },
    ...(broker && { broker: { managementUrl: broker, vhost: vhostOf(env.RABBITMQ_URL ?? '') } }),
  }
}

const vhostOf = (url: string): string =>
  (URL.canParse(url) && decodeURIComponent(new URL(url).pathname.slice(1))) || '/'

/** The installation of the local profile, whose database answers at `postgresUrl`. */
export const localInstallation = async (
  { home, secrets, keycloakUrl }: Settings,
  postgresUrl: string,
  broker?: string,
): Promise<Installation> => {
  const file = localKeycloakFile(home)
  const databaseOfKeycloak = process.env.KEYCLOAK_DATABASE_URL
  return {
    databases: new Map(owners.map(({ row }) => [row.name, databaseUrl(row, { postgresUrl, secrets })])),
    store: await createStore({ mediaStore: 'folder', mediaFolder: join(home, 'media') } as never),
    keycloak: {
      url: keycloakUrl,
      client: { id: 'clientele-user-service', secret: secrets.userService },
      ...(file && { file }),
      ...(databaseOfKeycloak && { databaseUrl: databaseOfKeycloak }),
    },
    ...(broker && { broker: { managementUrl: broker, vhost: '/' } }),
  }
}
