import { join } from 'node:path'
import { createStore } from '@clientele/media-service/storage/create-store'
import type { Store } from '@clientele/media-service/storage/store'
import { vhostOf } from '../broker/management-api.ts'
import { databaseUrl, ownerDatabaseUrl, services } from '../profile/services.ts'
import type { Settings } from '../profile/settings.ts'
import { localKeycloakFile } from './keycloak-realm.ts'

/** Where an installation has its data. */
export type Installation = {
  /** Service → URL of its database, with the service's own role. */
  databases: ReadonlyMap<string, string>
  /** The same with the role that owns the schemas, which a restore needs. Without one, the services' roles own them. */
  ownerDatabases?: ReadonlyMap<string, string>
  store: Store
  keycloak: KeycloakLocation
  /** RabbitMQ, whose queues a restore empties. */
  broker?: { managementUrl: string; vhost: string }
}

/** Keycloak's data is in PostgreSQL (`databaseUrl`) or in the `file` of the local profile. `url` is Keycloak's own address. */
export type KeycloakLocation = {
  databaseUrl?: string
  file?: string
  url?: string
  /** The service account of user-service. */
  client?: { id: string; secret: string }
}

const databaseVariables = services.flatMap((row) =>
  row.schema ? [{ row, variable: `${row.schema.name.toUpperCase()}_DATABASE_URL` }] : [],
)

/** Whether the environment has databases of an installation other than the local profile. */
export const isRemoteInstallation = (env: NodeJS.ProcessEnv = process.env): boolean =>
  databaseVariables.some(({ variable }) => env[variable])

/** The databases with the role and password of `ownerUrl`. */
const asOwner = (databases: ReadonlyMap<string, string>, ownerUrl: string): Map<string, string> => {
  const { username, password } = new URL(ownerUrl)
  return new Map([...databases].map(([name, url]) => [name, Object.assign(new URL(url), { username, password }).href]))
}

/** An installation with the addresses in the environment. @throws Error naming the variables that are missing */
export const remoteInstallation = async (env: NodeJS.ProcessEnv = process.env): Promise<Installation> => {
  const missing = databaseVariables.map(({ variable }) => variable).filter((variable) => !env[variable])
  if (missing.length > 0)
    throw new Error(`${missing.join(', ')} must be set as well: every service needs the URL of its database`)
  const url = env.KEYCLOAK_URL?.replace(/\/+$/, '')
  const secret = env.KEYCLOAK_CLIENT_SECRET
  const broker = env.RABBITMQ_MANAGEMENT_URL
  const databases = new Map(databaseVariables.map(({ row, variable }) => [row.name, env[variable] ?? '']))
  return {
    databases,
    ...(env.OWNER_DATABASE_URL && { ownerDatabases: asOwner(databases, env.OWNER_DATABASE_URL) }),
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

/** The installation of the local profile, with its database at `postgresUrl`. */
export const localInstallation = async (
  { home, secrets, keycloakUrl }: Settings,
  postgresUrl: string,
  broker?: string,
): Promise<Installation> => {
  const file = localKeycloakFile(home)
  const databaseOfKeycloak = process.env.KEYCLOAK_DATABASE_URL
  const databases = new Map(databaseVariables.map(({ row }) => [row.name, databaseUrl(row, { postgresUrl, secrets })]))
  return {
    databases,
    ownerDatabases: asOwner(databases, ownerDatabaseUrl({ postgresUrl, secrets })),
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
