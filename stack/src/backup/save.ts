import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import type { Installation, KeycloakPlace } from './installation.ts'
import { saveRealm } from './keycloak-realm.ts'
import { type Manifest, seal } from './manifest.ts'
import { saveListed, saveNamed } from './objects.ts'
import { saveRows } from './rows.ts'
import { beginSnapshot, type Sessions, withSessions } from './sessions.ts'

type Say = (text: string) => void

export const mediaFolder = 'media'
export const keycloakFolder = 'keycloak'
export const schemaFolder = (service: string): string => join('database', service)

/** The migrations that a schema has had. */
export const migrationsIn = async (client: pg.Client): Promise<string[]> =>
  (await client.query<{ name: string }>('select name from schema_migrations order by name')).rows.map(
    ({ name }) => name,
  )

/** The same of Keycloak's own database. */
export const changesIn = async (client: pg.Client): Promise<string[]> =>
  (await client.query<{ id: string }>('select id from databasechangelog order by orderexecuted, id')).rows.map(
    ({ id }) => id,
  )

/**
 * Saves an installation, which may go on running, into an empty folder. Photos are copied before and after the moment at
 * which the rows are read, so that no row names a photo that is not saved; Keycloak comes last, so that nobody is missing
 * who has done something.
 */
export const saveAll = async (installation: Installation, folder: string, say: Say): Promise<Manifest> => {
  if (existsSync(folder) && readdirSync(folder).length > 0) throw new Error(`${folder} is not empty`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const { databases, store, keycloak } = installation
  const photos = join(folder, mediaFolder)
  say('photos')
  await saveListed(store, photos)
  const rows = await withSessions(databases, async (sessions) => {
    say('rows of all services')
    const snapshots = await beginSnapshot(databases, sessions)
    const createdAt = new Date().toISOString()
    const schemas = await saveSchemas(sessions, folder)
    const media = sessions.get('media-service') as pg.Client
    const { rows } = await media.query<{ server_version: string }>('show server_version')
    say('photos that came meanwhile')
    const named = await saveNamed(store, media, photos)
    return { snapshots, createdAt, schemas, media: named, postgres: rows[0]?.server_version ?? '' }
  })
  say('Keycloak')
  const manifest: Manifest = { format: 1, ...rows, keycloak: await saveKeycloak(keycloak, folder, say) }
  await seal(folder, manifest)
  return manifest
}

const saveSchemas = async (sessions: Sessions, folder: string): Promise<Manifest['schemas']> =>
  Object.fromEntries(
    await Promise.all(
      [...sessions].map(async ([service, client]) => {
        const migrations = await migrationsIn(client)
        return [service, { ...(await saveRows(client, join(folder, schemaFolder(service)))), migrations }] as const
      }),
    ),
  )

const saveKeycloak = async (
  { databaseUrl, file }: KeycloakPlace,
  folder: string,
  say: Say,
): Promise<Manifest['keycloak']> => {
  const target = join(folder, keycloakFolder)
  if (databaseUrl) {
    const databases = new Map([['keycloak', databaseUrl]])
    return withSessions(databases, async (sessions) => {
      await beginSnapshot(databases, sessions)
      const client = sessions.get('keycloak') as pg.Client
      const latest = 'select version from migration_model order by update_time desc limit 1'
      const version = (await client.query<{ version: string }>(latest)).rows[0]?.version ?? '?'
      return { kind: 'database', version, migrations: await changesIn(client), ...(await saveRows(client, target)) }
    })
  }
  if (file) return { kind: 'realm', version: await saveRealm(file, target, say) }
  throw new Error('where are the data of Keycloak? Give the address of its PostgreSQL in KEYCLOAK_DATABASE_URL')
}
