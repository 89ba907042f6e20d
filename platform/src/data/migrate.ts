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

// Indexes of large tables are built while others write; PostgreSQL refuses that within a transaction.
const outside = '-- outside a transaction\n'
const statementsOf = (sql: string): string[] =>
  sql.split(/;[ \t]*(?:\n|$)/).filter((statement) => statement.trim() !== '')

/** Runs a migration and leaves the transaction open in which {@link migrationStorage} records it. */
const apply = async (client: pg.Client, url: URL): Promise<void> => {
  const sql = await readFile(url, 'utf8')
  if (sql.startsWith(outside)) {
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

const maxWaitMs = 600_000

// Tried again and again: to wait within one statement would hold up whoever builds an index, who waits for all that began before.
const lock = async (client: pg.Client): Promise<void> => {
  const until = Date.now() + maxWaitMs
  for (;;) {
    const { rows } = await client.query<{ held: boolean }>(
      `select pg_try_advisory_lock(hashtext('migrate'), hashtext(current_schema())) as held`,
    )
    if (rows[0]?.held) return
    if (Date.now() > until) throw new Error('another process has been migrating this schema for ten minutes')
    await sleep(100)
  }
}

/**
 * Applies the platform's migrations and those in `directory` that the schema lacks, one process at a time: each in a transaction
 * of its own, unless its first line is `-- outside a transaction`. Such a file is begun anew where it was cut off, so each of its
 * statements must bear that; each ends with a semicolon at the end of a line. The role's search_path decides the schema.
 * @returns the names of those applied now
 */
export const migrate = async (databaseUrl: string, directory: URL): Promise<string[]> => {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 10_000,
    application_name: 'migrate',
  })
  client.on('error', () => {})
  await client.connect()
  try {
    await lock(client)
    await createMigrationsTable(client)
    // Running services only compare names; they need not carry it.
    const { Umzug } = await import('umzug')
    const umzug = new Umzug({
      logger: undefined,
      context: client,
      storage: migrationStorage,
      migrations: (await listMigrations(directory)).map(({ name, url }) => ({
        name,
        up: () => apply(client, url),
      })),
    })
    return (await umzug.up()).map(({ name }) => name)
  } finally {
    await client.end()
  }
}

/**
 * Refuses a schema that lacks a migration. A schema that has more is fine: migrations expand before they contract,
 * so the former release runs on it.
 * @throws Error naming the missing migrations and the command that applies them
 */
export const assertMigrated = async (db: Db, directory: URL): Promise<void> => {
  const applied = new Set(await appliedNames((sql) => db.query<{ name: string }>(sql)).catch(() => []))
  const missing = (await listMigrations(directory)).filter(({ name }) => !applied.has(name)).map(({ name }) => name)
  if (missing.length > 0) throw new Error(`schema ${db.schema} lacks ${missing.join(', ')}: run \`npm run migrate\``)
}

/** The body of every service's `migrate.ts`: DATABASE_URL from the environment, applied names on stdout. */
export const runMigrations = async (directory: URL): Promise<void> => {
  const { databaseUrl } = loadConfig({ databaseUrl: databaseConfig.databaseUrl })
  const names = await migrate(databaseUrl, directory)
  console.log(names.length === 0 ? 'schema is up to date' : `applied ${names.join(', ')}`)
}
