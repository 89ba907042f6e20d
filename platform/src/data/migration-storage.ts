import type pg from 'pg'
import type { UmzugStorage } from 'umzug'

/** Returns the names of the applied migrations, in the order in which they were applied. */
export const appliedNames = async (query: (sql: string) => Promise<{ name: string }[]>): Promise<string[]> =>
  (await query('select name from schema_migrations order by applied_at, name')).map(({ name }) => name)

/** Creates the table `schema_migrations` if it is missing. */
export const createMigrationsTable = (client: pg.Client) =>
  client.query(
    'create table if not exists schema_migrations (name text primary key, applied_at timestamptz not null default clock_timestamp())',
  )

/**
 * Stores the names of applied migrations in the table `schema_migrations`. A migration leaves its transaction open, and its name
 * is committed in that transaction.
 */
export const migrationStorage: UmzugStorage<pg.Client> = {
  executed: ({ context: client }) => appliedNames(async (sql) => (await client.query<{ name: string }>(sql)).rows),
  logMigration: async ({ name, context: client }) => {
    await client.query('insert into schema_migrations (name) values ($1)', [name])
    await client.query('commit')
  },
  unlogMigration: async ({ name, context: client }) => {
    await client.query('delete from schema_migrations where name = $1', [name])
    await client.query('commit')
  },
}
