import { join } from 'node:path'
import type pg from 'pg'
import type { KeycloakAdmin } from '../backing/keycloak-admin.ts'
import type { Installation } from './installation.ts'
import { loadRealm } from './keycloak-realm.ts'
import { fileFaults, type Manifest, readManifest } from './manifest.ts'
import { hasObjects, loadObjects } from './objects.ts'
import { peopleByApi, peopleInDatabase } from './people.ts'
import { mendProjections } from './projections.ts'
import { emptyQueues } from './queues.ts'
import { filledTables, loadRows } from './rows.ts'
import { changesIn, keycloakFolder, mediaFolder, migrationsIn, schemaFolder } from './save.ts'
import { type Sessions, withSessions } from './sessions.ts'

export type LoadOptions = {
  overwrite: boolean
  say: (text: string) => void
  /** Signs in as an administrator of the realm master, for a backup that holds the realm. */
  keycloakAdmin: () => Promise<KeycloakAdmin>
}

const listed = (faults: string[]): string => faults.slice(0, 20).join('\n  ')
const refuse = (what: string, faults: string[]): void => {
  if (faults.length > 0) throw new Error(`${what}:\n  ${listed(faults)}`)
}

/**
 * Puts a backup in the place of what an installation has. The services must be stopped, their schemas migrated by the
 * release that made the backup.
 * @throws Error, with nothing changed, for a damaged backup, other migrations, running services, or data that are there
 */
export const loadAll = async (installation: Installation, folder: string, options: LoadOptions): Promise<void> => {
  const { say } = options
  const manifest = readManifest(folder)
  refuse('the files of the backup are not what was saved', await fileFaults(folder))
  const { databases, keycloak, store } = installation
  if (manifest.keycloak.kind === 'database' && !keycloak.databaseUrl)
    throw new Error('the backup holds the database of Keycloak: give its address in KEYCLOAK_DATABASE_URL')
  const all = new Map(databases)
  if (manifest.keycloak.kind === 'database') all.set('keycloak', keycloak.databaseUrl ?? '')
  await withSessions(all, async (sessions) => {
    refuse('stop the services (and a Keycloak whose database is restored) first', await runningServices(sessions))
    refuse('restore with the release that made the backup, and upgrade then', await otherMigrations(sessions, manifest))
    if (!options.overwrite)
      refuse('this installation has data; --overwrite removes them', await existing(sessions, installation))
    await Promise.all([...sessions.values()].map((client) => client.query('begin')))
    say('rows of all services')
    for (const [service, client] of sessions) {
      const saved = service === 'keycloak' ? manifest.keycloak : manifest.schemas[service]
      const place = service === 'keycloak' ? keycloakFolder : schemaFolder(service)
      if (!saved || !('tables' in saved)) throw new Error(`the backup has nothing of ${service}`)
      await loadRows(client, join(folder, place), saved)
    }
    for (const line of await mendProjections(sessions)) say(line)
    say('photos')
    const media = sessions.get('media-service') as pg.Client
    await loadObjects(store, media, { folder: join(folder, mediaFolder), missing: manifest.media.missing })
    for (const client of sessions.values()) await client.query('commit')
  })
  if (manifest.keycloak.kind === 'realm') {
    say('Keycloak')
    await loadRealm(options.keycloakAdmin, join(folder, keycloakFolder))
  }
  if (!installation.broker) return say('queues: empty them by hand, RABBITMQ_MANAGEMENT_URL is not given')
  const { managementUrl, vhost } = installation.broker
  say(`queues: ${await emptyQueues(managementUrl, vhost)} emptied`)
}

// A role belongs to one service: who else is connected by it is that service.
const runningServices = async (sessions: Sessions): Promise<string[]> => {
  const others = `select count(*)::int as count from pg_stat_activity
    where usename = current_user and datname = current_database() and pid <> pg_backend_pid()
      and application_name <> 'clientele-backup'`
  const faults: string[] = []
  for (const [service, client] of sessions) {
    const count = (await client.query<{ count: number }>(others)).rows[0]?.count ?? 0
    if (count > 0) faults.push(`${service} has ${count} connections to its database`)
  }
  return faults
}

const otherMigrations = async (sessions: Sessions, manifest: Manifest): Promise<string[]> => {
  const faults: string[] = []
  for (const [service, client] of sessions) {
    const isKeycloak = service === 'keycloak'
    const there = await (isKeycloak ? changesIn(client) : migrationsIn(client)).catch((): string[] => [])
    const saved = isKeycloak ? manifest.keycloak : manifest.schemas[service]
    const wanted = saved && 'migrations' in saved ? saved.migrations : []
    const lacking = wanted.filter((name) => !there.includes(name))
    const more = there.filter((name) => !wanted.includes(name))
    if (lacking.length > 0) faults.push(`${service} lacks ${lacking.slice(0, 3).join(', ')}`)
    if (more.length > 0) faults.push(`${service} has ${more.slice(0, 3).join(', ')}, the backup has not`)
  }
  return faults
}

const existing = async (sessions: Sessions, { store, keycloak }: Installation): Promise<string[]> => {
  const faults: string[] = []
  for (const [service, client] of sessions) {
    const people = service === 'keycloak' ? await peopleInDatabase(client) : []
    if (people.length > 0) faults.push(`${people.length} people in Keycloak`)
    const tables = service === 'keycloak' ? [] : await filledTables(client)
    if (tables.length > 0) faults.push(`${service}: ${tables.join(', ')}`)
  }
  if (await hasObjects(store)) faults.push('photos in the store')
  if (!sessions.has('keycloak') && keycloak.url && keycloak.client) {
    const people = await peopleByApi(keycloak.url, keycloak.client).catch(() => [])
    if (people.length > 0) faults.push(`${people.length} people in Keycloak`)
  }
  return faults
}
