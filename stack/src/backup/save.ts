import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import type { Installation, KeycloakLocation } from './installation.ts'
import { saveRealm } from './keycloak-realm.ts'
import { type Manifest, writeManifest } from './manifest.ts'
import { saveReferencedObjects, saveStoredObjects } from './objects.ts'
import { saveRows } from './rows.ts'
import { beginSnapshot, type Sessions, withSessions } from './sessions.ts'

type Log = (text: string) => void

export const mediaFolder = 'media'
export const keycloakFolder = 'keycloak'
export const schemaFolder = (service: string): string => join('database', service)

/** The migrations that were applied to a service's schema. */
export const migrationsIn = async (client: pg.Client): Promise<string[]> =>
  (await client.query<{ name: string }>('select name from schema_migrations order by name')).rows.map(
    ({ name }) => name,
  )

/** The same for Keycloak's database. */
export const keycloakMigrationsIn = async (client: pg.Client): Promise<string[]> =>
  (await client.query<{ id: string }>('select id from databasechangelog order by orderexecuted, id')).rows.map(
    ({ id }) => id,
  )

/**
 * Saves an installation, which may be running, into an empty folder. Photos are copied before and after the snapshot of the
 * rows, so that every photo of a row is saved. Keycloak is saved last, so that every user of a row is saved.
 * @throws Error if the folder is not empty
 */
export const saveBackup = async (installation: Installation, folder: string, log: Log): Promise<Manifest> => {
  if (existsSync(folder) && readdirSync(folder).length > 0) throw new Error(`${folder} is not empty`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const { databases, store, keycloak } = installation
  const photos = join(folder, mediaFolder)
  log('photos')
  await saveStoredObjects(store, photos)
  const rows = await withSessions(databases, async (sessions) => {
    log('rows of all services')
    const snapshots = await beginSnapshot(databases, sessions)
    const createdAt = new Date().toISOString()
    const schemas = await saveSchemas(sessions, folder)
    const auditHead = await readAuditHead(sessions.get('activity-service') as pg.Client)
    const media = sessions.get('media-service') as pg.Client
    const { rows } = await media.query<{ server_version: string }>('show server_version')
    log('photos that were added meanwhile')
    const named = await saveReferencedObjects(store, media, photos)
    return { snapshots, createdAt, schemas, auditHead, media: named, postgres: rows[0]?.server_version ?? '' }
  })
  log('Keycloak')
  const manifest: Manifest = { format: 1, ...rows, keycloak: await saveKeycloak(keycloak, folder, log) }
  await writeManifest(folder, manifest)
  return manifest
}

/** The last event of each chain, as `GET /v1/audit/head` returns it. */
const readAuditHead = async (client: pg.Client): Promise<Manifest['auditHead']> => {
  const sql = `select class, json_build_object('seq', seq, 'hash', encode(hash, 'hex')) as last from head order by class`
  const { rows } = await client.query<{ class: string; last: { seq: number; hash: string } }>(sql)
  return Object.fromEntries(rows.map((row) => [row.class, row.last]))
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
  { databaseUrl, file }: KeycloakLocation,
  folder: string,
  log: Log,
): Promise<Manifest['keycloak']> => {
  const target = join(folder, keycloakFolder)
  if (databaseUrl) {
    const databases = new Map([['keycloak', databaseUrl]])
    return withSessions(databases, async (sessions) => {
      await beginSnapshot(databases, sessions)
      const client = sessions.get('keycloak') as pg.Client
      const latest = 'select version from migration_model order by update_time desc limit 1'
      const version = (await client.query<{ version: string }>(latest)).rows[0]?.version ?? '?'
      return {
        kind: 'database',
        version,
        migrations: await keycloakMigrationsIn(client),
        ...(await saveRows(client, target)),
      }
    })
  }
  if (file) return { kind: 'realm', version: await saveRealm(file, target, log) }
  throw new Error('Keycloak cannot be saved: set KEYCLOAK_DATABASE_URL to the URL of its PostgreSQL database')
}
