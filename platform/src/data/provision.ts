import pg from 'pg'

/** A role that signs in with a password. */
export type Role = { role: string; password: string }

/**
 * The database, schema and role of a service. With an `owner`, that role owns the schema, and the service's own role can only
 * read and write rows. Without one, the service's role owns the schema.
 */
export type Provision = Role & { database: string; schema: string; owner?: Role; extensions?: string[] }

/** What to restrict for everybody who may connect to the server. Both need a superuser. */
export type ServerRestrictions = {
  /** The server has no other users, so that roles need not connect to the databases `postgres` and `template1`. */
  isOwnServer?: boolean
}

const plainIdentifier = /^[a-z][a-z0-9_]{0,62}$/
/** The most connections of a role that has no limit: half of the server's. An operator may set another limit. */
const limitConnections = `do $$
begin
  if (select rolconnlimit = -1 from pg_roles where rolname = '%role') then
    execute format('alter role %role connection limit %s', current_setting('max_connections')::integer / 2);
  end if;
end
$$`

/** Who is no superuser must be a member of the roles to give them schemas. A superuser should not be one. */
const joinRole = `do $$
begin
  if not (select rolsuper from pg_roles where rolname = current_user) and not pg_has_role('%role', 'usage') then
    grant %role to current_user;
  end if;
end
$$`

const withClient = async <T>(url: string, fn: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, statement_timeout: 60_000 })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(`select pg_advisory_lock(hashtext('clientele provision'))`)
    return await fn(client)
  } finally {
    await client.end()
  }
}

const createRole = async (client: pg.Client, { role, password }: Role): Promise<void> => {
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [role])
  if (rowCount === 0) await client.query(`create role ${role} login`)
  await client.query(`alter role ${role} with password ${pg.escapeLiteral(password)}`)
  for (const statement of [joinRole, limitConnections]) await client.query(statement.replaceAll('%role', role))
}

/** Hands a schema and everything in it to the owner, and gives the service's role the rows. */
const handOver = async (client: pg.Client, schema: string, role: string, owner: string): Promise<void> => {
  await client.query('begin')
  await client.query(`reassign owned by ${role} to ${owner}`)
  await client.query(`grant usage on schema ${schema} to ${role}`)
  for (const [privileges, kind] of [
    ['select, insert, update, delete', 'tables'],
    ['usage, select', 'sequences'],
  ]) {
    await client.query(`grant ${privileges} on all ${kind} in schema ${schema} to ${role}`)
    await client.query(
      `alter default privileges for role ${owner} in schema ${schema} grant ${privileges} on ${kind} to ${role}`,
    )
  }
  const { rowCount } = await client.query('select 1 where to_regclass($1) is not null', [`${schema}.schema_migrations`])
  if (rowCount) await client.query(`revoke insert, update, delete on ${schema}.schema_migrations from ${role}`)
  await client.query('commit')
}

// Schemas that an earlier release has migrated use PostgreSQL's functions until they have their own.
const restrictFunctions = (owner: string): string => `do $$
declare
  guarded regprocedure;
begin
  if not (select rolsuper from pg_roles where rolname = current_user) or exists (
    select from pg_class as migrations where relname = 'schema_migrations'
      and not exists (select from pg_proc where pronamespace = relnamespace and proname = 'try_session_lock')
  ) then
    return;
  end if;
  for guarded in
    select oid from pg_proc where pronamespace = 'pg_catalog'::regnamespace
      and (proname ~ '^pg_(try_)?advisory_(xact_)?lock' or proname in ('lo_creat', 'lo_create', 'lo_from_bytea'))
  loop
    execute format('revoke execute on function %s from public', guarded);
    execute format('grant execute on function %s to ${owner}', guarded);
  end loop;
end
$$`

/**
 * Creates the database, roles, schema and extensions that are missing, and sets passwords, the search_path, privileges and
 * connection limits of the roles. It is idempotent, and concurrent calls are safe. `adminUrl` belongs to a superuser, or to the
 * owner of the database with CREATEROLE. With a superuser and an `owner`, nobody else can use advisory locks and large objects of
 * the database directly.
 * @throws Error for a name that is not a plain identifier
 */
export const provisionDatabase = async (
  adminUrl: string,
  { database, schema, role, password, owner, extensions = [] }: Provision,
  { isOwnServer = false }: ServerRestrictions = {},
) => {
  for (const name of [database, schema, role, owner?.role ?? role, ...extensions])
    if (!plainIdentifier.test(name)) throw new Error(`not a plain identifier: ${name}`)
  const roles = [{ role, password }, ...(owner ? [owner] : [])]
  await withClient(adminUrl, async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [database])
    if (rowCount === 0) {
      await client.query(`create database ${database}`)
      await client.query(`revoke all on database ${database} from public`)
    }
    if (isOwnServer) await client.query('revoke connect on database postgres, template1 from public')
    for (const each of roles) {
      await createRole(client, each)
      await client.query(`grant connect on database ${database} to ${each.role}`)
    }
    await client.query(`alter role ${role} set search_path = ${schema}, public`)
  })
  const url = new URL(adminUrl)
  url.pathname = `/${database}`
  await withClient(url.href, async (client) => {
    for (const extension of extensions)
      await client.query(`create extension if not exists ${extension} with schema public`)
    await client.query('revoke create on schema public from public')
    await client.query(`create schema if not exists ${schema} authorization ${owner?.role ?? role}`)
    await client.query(`revoke all on schema ${schema} from public`)
    if (!owner) return
    await handOver(client, schema, role, owner.role)
    await client.query(restrictFunctions(owner.role))
  })
}
