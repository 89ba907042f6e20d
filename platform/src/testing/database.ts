import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { DatabaseConfig } from '../data/database-config.ts'
import type { Db } from '../data/db.ts'
import { migrate } from '../data/migrate.ts'
import { provisionDatabase } from '../data/provision.ts'

/** A database of a test file's own: a clone of the service's migrated template. */
export type TestDatabase = { url: string; adminUrl: string; config: DatabaseConfig; drop(): Promise<void> }

/** The value of an environment variable that `npm test` sets. */
export const testEnv = (name: string): string => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: run the tests by \`npm test\``)
  return value
}

const withPath = (url: string, database: string): URL => Object.assign(new URL(url), { pathname: `/${database}` })

const admin = async (sql: (client: pg.Client) => Promise<void>) => {
  const client = new pg.Client({ connectionString: testEnv('TEST_POSTGRES_URL') })
  await client.connect()
  try {
    await sql(client)
  } finally {
    await client.end()
  }
}

/**
 * Makes a database for one test file. The template of a schema is migrated once a run (`TEST_RUN` tells runs apart) under a lock.
 * @param schema the service's schema; its role is `test_<schema>`
 */
export const testDatabase = async ({
  schema,
  migrations,
}: {
  schema: string
  migrations: URL
}): Promise<TestDatabase> => {
  const role = `test_${schema}`
  const template = `template_${schema}_${(process.env['TEST_RUN'] ?? String(process.ppid)).replace(/\W/g, '')}`
  const database = `test_${schema}_${randomBytes(6).toString('hex')}`
  const roleUrl = (name: string): string =>
    Object.assign(withPath(testEnv('TEST_POSTGRES_URL'), name), { username: role, password: 'test' }).href
  await admin(async (client) => {
    await client.query('select pg_advisory_lock(hashtext($1))', [template])
    await provisionDatabase(testEnv('TEST_POSTGRES_URL'), {
      database: template,
      schema,
      role,
      password: 'test',
      extensions: ['pg_trgm'],
    })
    await migrate(roleUrl(template), migrations)
    await client.query(`create database ${database} template ${template} strategy file_copy`)
    await client.query(`grant connect, temporary on database ${database} to ${role}`)
  })
  return {
    url: roleUrl(database),
    adminUrl: withPath(testEnv('TEST_POSTGRES_URL'), database).href,
    config: { databaseUrl: roleUrl(database), databasePoolMax: 10, statementTimeoutMs: 10_000 },
    drop: () => admin(async (client) => void (await client.query(`drop database if exists ${database} with (force)`))),
  }
}

/** The same database; `see` is told of each statement, and waited for, before it runs. */
export const watched = (db: Db, see: (sql: string, values: unknown[]) => Promise<void> | void): Db => ({
  ...db,
  query: async (sql, values = [], options) => {
    await see(sql, values)
    return db.query(sql, values, options)
  },
})

/** The lines of the plan of a statement, which does not run. */
export const explain = async (db: Db, sql: string, values: unknown[] = []): Promise<string[]> =>
  (await db.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, values)).map((line) => line['QUERY PLAN'])
