import { join } from 'node:path'
import type pg from 'pg'
import type { KeycloakAdmin } from '../backing/keycloak-admin.ts'
import type { Installation } from './installation.ts'
import { loadRealm } from './keycloak-realm.ts'
import { usersByApi, usersInDatabase } from './keycloak-users.ts'
import { findFileErrors, type Manifest, readManifest } from './manifest.ts'
import { hasObjects, loadObjects } from './objects.ts'
import { repairProjections } from './projections.ts'
import { emptyQueues } from './queues.ts'
import { filledTables, loadRows } from './rows.ts'
import { keycloakFolder, keycloakMigrationsIn, mediaFolder, migrationsIn, schemaFolder } from './save.ts'
import { type Sessions, withSessions } from './sessions.ts'

export type LoadOptions = {
  overwrite: boolean
  log: (text: string) => void
  /** Signs in as a Keycloak administrator. It is called if the backup contains the realm. */
  keycloakAdmin: () => Promise<KeycloakAdmin>
}

const formatLines = (errors: string[]): string => errors.slice(0, 20).join('\n  ')
const throwIfAny = (message: string, errors: string[]): void => {
  if (errors.length > 0) throw new Error(`${message}:\n  ${formatLines(errors)}`)
}

/**
 * Replaces the data of an installation by a backup. The services must be stopped, and their schemas migrated by the release
 * that made the backup.
 * @throws Error for a damaged backup, other migrations, running services, or (without `overwrite`) existing data. Nothing is
 * changed then.
 */
export const loadBackup = async (installation: Installation, folder: string, options: LoadOptions): Promise<void> => {
  const { log } = options
  const manifest = readManifest(folder)
  throwIfAny('the backup is damaged', await findFileErrors(folder))
  const { databases, ownerDatabases = databases, keycloak, store } = installation
  if (manifest.keycloak.kind === 'database' && !keycloak.databaseUrl)
    throw new Error(
      'the backup contains the database of Keycloak: set KEYCLOAK_DATABASE_URL to the URL of that database',
    )
  const all = new Map(ownerDatabases)
  if (manifest.keycloak.kind === 'database') all.set('keycloak', keycloak.databaseUrl ?? '')
  await withSessions(all, async (sessions) => {
    throwIfAny('set OWNER_DATABASE_URL to a URL with the role that owns the schemas', await notOwned(sessions))
    throwIfAny('stop the services first, and Keycloak if its database is restored', await openConnections(sessions))
    throwIfAny(
      'the migrations differ: restore with the release that made the backup, then upgrade',
      await migrationDifferences(sessions, manifest),
    )
    if (!options.overwrite)
      throwIfAny(
        'this installation has data; add --overwrite to replace it',
        await existingData(sessions, installation),
      )
    await Promise.all([...sessions.values()].map((client) => client.query('begin')))
    log('rows of all services')
    for (const [service, client] of sessions) {
      const saved = service === 'keycloak' ? manifest.keycloak : manifest.schemas[service]
      const source = service === 'keycloak' ? keycloakFolder : schemaFolder(service)
      if (!saved || !('tables' in saved)) throw new Error(`the backup has no data of ${service}`)
      await loadRows(client, join(folder, source), saved)
    }
    for (const line of await repairProjections(sessions)) log(line)
    log('photos')
    const media = sessions.get('media-service') as pg.Client
    await loadObjects(store, media, { folder: join(folder, mediaFolder), missing: manifest.media.missing })
    for (const client of sessions.values()) await client.query('commit')
  })
  if (manifest.keycloak.kind === 'realm') {
    log('Keycloak')
    await loadRealm(options.keycloakAdmin, join(folder, keycloakFolder))
  }
  if (!installation.broker)
    return log('queues: not emptied, because RABBITMQ_MANAGEMENT_URL is not set; empty them by hand')
  const { managementUrl, vhost } = installation.broker
  log(`queues: ${await emptyQueues(managementUrl, vhost)} emptied`)
}

const notOwned = async (sessions: Sessions): Promise<string[]> => {
  const owner = `select current_user as role, pg_get_userbyid(nspowner) as owner, pg_has_role(nspowner, 'usage') as "isOwner"
    from pg_namespace where nspname = current_schema()`
  const errors: string[] = []
  for (const [service, client] of sessions) {
    if (service === 'keycloak') continue
    const [row] = (await client.query<{ role: string; owner: string; isOwner: boolean }>(owner)).rows
    if (row?.isOwner === false) errors.push(`${row.role} does not own the schema of ${service}, but ${row.owner} does`)
  }
  return errors
}

// Only the service's own role and the owner, which migrates, may use a schema.
const openConnections = async (sessions: Sessions): Promise<string[]> => {
  const others = `select count(*)::int as count from pg_stat_activity
    join pg_roles on pg_roles.oid = usesysid and not rolsuper
    where has_schema_privilege(usesysid, current_schema(), 'usage') and datname = current_database()
      and application_name <> 'clientele-backup'`
  const errors: string[] = []
  for (const [service, client] of sessions) {
    const count = (await client.query<{ count: number }>(others)).rows[0]?.count ?? 0
    if (count > 0) errors.push(`${service} has ${count} connections to its database`)
  }
  return errors
}

const migrationDifferences = async (sessions: Sessions, manifest: Manifest): Promise<string[]> => {
  const errors: string[] = []
  for (const [service, client] of sessions) {
    const isKeycloak = service === 'keycloak'
    const applied = await (isKeycloak ? keycloakMigrationsIn(client) : migrationsIn(client)).catch((): string[] => [])
    const saved = isKeycloak ? manifest.keycloak : manifest.schemas[service]
    const expected = saved && 'migrations' in saved ? saved.migrations : []
    const missing = expected.filter((name) => !applied.includes(name))
    const extra = applied.filter((name) => !expected.includes(name))
    if (missing.length > 0) errors.push(`only the backup of ${service} has ${missing.slice(0, 3).join(', ')}`)
    if (extra.length > 0) errors.push(`only the database of ${service} has ${extra.slice(0, 3).join(', ')}`)
  }
  return errors
}

const existingData = async (sessions: Sessions, { store, keycloak }: Installation): Promise<string[]> => {
  const errors: string[] = []
  for (const [service, client] of sessions) {
    const users = service === 'keycloak' ? await usersInDatabase(client) : []
    if (users.length > 0) errors.push(`${users.length} users in Keycloak`)
    const tables = service === 'keycloak' ? [] : await filledTables(client)
    if (tables.length > 0) errors.push(`${service}: ${tables.join(', ')}`)
  }
  if (await hasObjects(store)) errors.push('photos in the store')
  if (!sessions.has('keycloak') && keycloak.url && keycloak.client) {
    const users = await usersByApi(keycloak.url, keycloak.client).catch(() => [])
    if (users.length > 0) errors.push(`${users.length} users in Keycloak`)
  }
  return errors
}
