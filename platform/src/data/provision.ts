import pg from 'pg'

/** What a service needs in PostgreSQL: a role that owns one schema and has rights on nothing else. */
export type Provision = { database: string; schema: string; role: string; password: string; extensions?: string[] }

const identifier = /^[a-z][a-z0-9_]{0,62}$/

const connected = async <T>(url: string, fn: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, statement_timeout: 60_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    return await fn(client)
  } finally {
    await client.end()
  }
}

/**
 * Creates database, role, schema and extensions where they are missing, and sets the role's password and search_path.
 * May be run again at any time, also beside itself. `adminUrl` is a superuser's (or the database owner's with CREATEROLE).
 * @throws Error for names that are not plain identifiers
 */
export const provisionDatabase = async (
  adminUrl: string,
  { database, schema, role, password, extensions = [] }: Provision,
) => {
  for (const name of [database, schema, role, ...extensions])
    if (!identifier.test(name)) throw new Error(`not a plain identifier: ${name}`)
  await connected(adminUrl, async (client) => {
    await client.query(`select pg_advisory_lock(hashtext('clientele provision'))`)
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database])
    if (rowCount === 0) {
      await client.query(`create database ${database}`)
      await client.query(`revoke all on database ${database} from public`)
    }
    const known = await client.query('select 1 from pg_roles where rolname = $1', [role])
    if (known.rowCount === 0) await client.query(`create role ${role} login`)
    await client.query(`alter role ${role} with password ${pg.escapeLiteral(password)}`)
    await client.query(`alter role ${role} set search_path = ${schema}, public`)
    await client.query(`grant connect on database ${database} to ${role}`)
  })
  const url = new URL(adminUrl)
  url.pathname = `/${database}`
  await connected(url.href, async (client) => {
    await client.query(`select pg_advisory_lock(hashtext('clientele provision'))`)
    for (const extension of extensions)
      await client.query(`create extension if not exists ${extension} with schema public`)
    await client.query('revoke create on schema public from public')
    await client.query(`create schema if not exists ${schema} authorization ${role}`)
    await client.query(`revoke all on schema ${schema} from public`)
  })
}
