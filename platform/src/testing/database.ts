import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { DatabaseConfig } from '../data/database-config.ts'
import type { Db } from '../data/db.ts'
import { migrate } from '../data/migrate.ts'
import { provisionDatabase } from '../data/provision.ts'

/**
 * A database for one test file: a copy of the service's migrated template. `url` has the role of the service, `ownerUrl` that of
 * the schema's owner, and `adminUrl` the superuser.
 */
export type TestDatabase = {
  url: string
  ownerUrl: string
  adminUrl: string
  config: DatabaseConfig
  drop(): Promise<void>
}

const owner = { role: 'test_owner', password: 'test' }

/** Reads an environment variable that `npm test` sets. */
export const testEnv = (name: string): string => {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set: run the tests with \`npm test\``)
  return value
}

const withPath = (url: string, database: string): URL => Object.assign(new URL(url), { pathname: `/${database}` })

const asAdmin = async (work: (client: pg.Client) => Promise<void>) => {
  const client = new pg.Client({ connectionString: testEnv('TEST_POSTGRES_URL') })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

const createWithLocale = async (client: pg.Client, database: string, icuLocale: string): Promise<void> => {
  const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database])
  if (rowCount) return
  const locale = `locale_provider icu icu_locale ${pg.escapeLiteral(icuLocale)} locale 'C'`
  await client.query(`create database ${database} template template0 ${locale}`)
}

/**
 * Creates a database for one test file. The template of a schema is migrated once per test run (`TEST_RUN` is unique for each
 * run), under a lock.
 * @param schema the service's schema; its role is `test_<schema>`, its owner `test_owner`
 * @param icuLocale makes a database with this locale of ICU instead of the server's
 */
export const testDatabase = async ({
  schema,
  migrations,
  icuLocale,
}: {
  schema: string
  migrations: URL
  icuLocale?: string
}): Promise<TestDatabase> => {
  const role = `test_${schema}`
  const run = (process.env['TEST_RUN'] ?? String(process.ppid)).replace(/\W/g, '')
  const template = `template_${schema}_${icuLocale?.replace(/\W/g, '') ?? ''}_${run}`
  const database = `test_${schema}_${randomBytes(6).toString('hex')}`
  const urlOf = (username: string, name: string): URL =>
    Object.assign(withPath(testEnv('TEST_POSTGRES_URL'), name), { username, password: 'test' })
  const ownerUrl = urlOf(owner.role, database)
  ownerUrl.searchParams.set('options', `-c search_path=${schema},public`)
  await asAdmin(async (client) => {
    await client.query('select pg_advisory_lock(hashtext($1))', [template])
    if (icuLocale !== undefined) await createWithLocale(client, template, icuLocale)
    await provisionDatabase(testEnv('TEST_POSTGRES_URL'), {
      database: template,
      schema,
      role,
      password: 'test',
      owner,
      extensions: ['pg_trgm'],
    })
    await migrate(urlOf(owner.role, template).href, { schema, migrations })
    await client.query(`create database ${database} template ${template} strategy file_copy`)
    await client.query(`revoke all on database ${database} from public`)
    await client.query(`grant connect on database ${database} to ${role}, ${owner.role}`)
  })
  return {
    url: urlOf(role, database).href,
    ownerUrl: ownerUrl.href,
    adminUrl: withPath(testEnv('TEST_POSTGRES_URL'), database).href,
    config: { databaseUrl: urlOf(role, database).href, databasePoolMax: 10, statementTimeoutMs: 10_000 },
    drop: () =>
      asAdmin(async (client) => void (await client.query(`drop database if exists ${database} with (force)`))),
  }
}

/** Runs statements in turn with the role that owns the schema, such as `create table`, which the service's role may not. */
export const asOwner = async ({ ownerUrl }: Pick<TestDatabase, 'ownerUrl'>, ...statements: string[]): Promise<void> => {
  const client = new pg.Client({ connectionString: ownerUrl })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

/** Returns `db` with a hook: `onQuery` is called, and awaited, before each statement. */
export const observeQueries = (db: Db, onQuery: (sql: string, values: unknown[]) => Promise<void> | void): Db => ({
  ...db,
  query: async (sql, values = [], options) => {
    await onQuery(sql, values)
    return db.query(sql, values, options)
  },
})

/** Returns the lines of a statement's query plan. The statement is not run. */
export const explain = async (db: Db, sql: string, values: unknown[] = []): Promise<string[]> =>
  (await db.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, values)).map((line) => line['QUERY PLAN'])
