import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { loadConfig } from '../runtime/config.ts'
import { databaseConfig } from './database-config.ts'
import type { Db } from './db.ts'
import { appliedNames, createMigrationsTable, migrationStorage } from './migration-storage.ts'

const platformMigrations = new URL('../../migrations/', import.meta.url)

type Migration = { name: string; url: URL }

const listMigrations = async (directory: URL): Promise<Migration[]> => {
  const read = async (folder: URL, prefix: string) =>
    (await readdir(folder))
      .filter((file) => file.endsWith('.sql'))
      .sort()
      .map((file) => ({ name: `${prefix}${file.slice(0, -4)}`, url: new URL(file, folder) }))
  return [...(await read(platformMigrations, 'platform-')), ...(await read(directory, ''))]
}

// `create index concurrently` lets other processes write meanwhile, but cannot run in a transaction.
const outsideTransactionMarker = '-- outside a transaction\n'
const statementsOf = (sql: string): string[] =>
  sql.split(/;[ \t]*(?:\n|$)/).filter((statement) => statement.trim() !== '')

/** Applies a migration and leaves a transaction open. {@link migrationStorage} then records the migration in it and commits. */
const applyMigration = async (client: pg.Client, url: URL): Promise<void> => {
  const sql = await readFile(url, 'utf8')
  if (sql.startsWith(outsideTransactionMarker)) {
    for (const statement of statementsOf(sql)) await client.query(statement)
    await client.query('begin')
    return
  }
  await client.query('begin')
  try {
    await client.query(sql)
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  }
}

const maxLockWaitMs = 600_000

// Polls, because a blocking lock would be a running statement, for which `create index concurrently` of the lock holder waits.
const acquireMigrationLock = async (client: pg.Client): Promise<void> => {
  const deadline = Date.now() + maxLockWaitMs
  for (;;) {
    const { rows } = await client.query<{ held: boolean }>(
      `select pg_try_advisory_lock(hashtext('migrate'), hashtext(current_schema())) as held`,
    )
    if (rows[0]?.held) return
    if (Date.now() > deadline) throw new Error('another process has been migrating this schema for 10 minutes')
    await sleep(100)
  }
}

/** A schema, and the folder of the migrations that are the service's own. */
export type MigratedSchema = { schema: string; migrations: URL }

/** Sets the schema in which the migrations run. The owner's role has no `search_path` of its own, because it owns all schemas. */
const selectSchema = async (client: pg.Client, schema: string): Promise<void> => {
  await client.query(`set search_path to ${pg.escapeIdentifier(schema)}, public`)
  const { rows } = await client.query<{ isOwner: boolean }>(
    `select pg_has_role(nspowner, 'usage') as "isOwner" from pg_namespace where nspname = $1`,
    [schema],
  )
  if (!rows[0]) throw new Error(`the schema ${schema} does not exist: create it first, for example with provision.sql`)
  if (!rows[0].isOwner)
    throw new Error(
      `${client.user} does not own the schema ${schema}: migrations need the owner in DATABASE_URL, usually clientele_owner`,
    )
}

/**
 * Applies the missing migrations to a schema: those of the platform, then those of the service. Only one process migrates a
 * schema at a time. `databaseUrl` needs the role that owns the schema.
 *
 * Each migration runs in a transaction of its own, unless its first line is `-- outside a transaction`. If such a file fails
 * halfway, it runs again from its first statement, so its statements must be repeatable (`if not exists`). Each of them ends with
 * a semicolon at the end of a line.
 * @returns the names of the migrations that it applied
 */
export const migrate = async (databaseUrl: string, { schema, migrations }: MigratedSchema): Promise<string[]> => {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 10_000,
    application_name: 'migrate',
  })
  client.on('error', () => {})
  await client.connect()
  try {
    await selectSchema(client, schema)
    await acquireMigrationLock(client)
    await createMigrationsTable(client)
    // Imported only here, because services that only check for migrations do not need it.
    const { Umzug } = await import('umzug')
    const umzug = new Umzug({
      logger: undefined,
      context: client,
      storage: migrationStorage,
      migrations: (await listMigrations(migrations)).map(({ name, url }) => ({
        name,
        up: () => applyMigration(client, url),
      })),
    })
    return (await umzug.up()).map(({ name }) => name)
  } finally {
    await client.end()
  }
}

/**
 * Checks that the schema has every migration. Additional ones are fine: a migration removes only what the previous release
 * does not use, so that release still runs.
 * @throws Error with the missing migrations and the command that applies them
 */
export const assertMigrated = async (db: Db, directory: URL): Promise<void> => {
  const applied = new Set(await appliedNames((sql) => db.query<{ name: string }>(sql)).catch(() => []))
  const missing = (await listMigrations(directory)).filter(({ name }) => !applied.has(name)).map(({ name }) => name)
  if (missing.length > 0) throw new Error(`schema ${db.schema} lacks ${missing.join(', ')}: run \`npm run migrate\``)
}

/**
 * The main function of every `migrate.ts`. It reads DATABASE_URL, which needs the role that owns the schema, and prints the names
 * of the migrations that it applied.
 */
export const runMigrations = async (migrated: MigratedSchema): Promise<void> => {
  const { databaseUrl } = loadConfig({ databaseUrl: databaseConfig.databaseUrl })
  const names = await migrate(databaseUrl, migrated)
  console.log(names.length === 0 ? 'schema is up to date' : `applied ${names.join(', ')}`)
}
