import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type MigratedSchema, migrate } from '@clientele/platform/data/migrate'
import { testEnv } from '@clientele/platform/testing/database'
import pg from 'pg'
import { projectRoot } from '../src/processes/folders.ts'
import { services } from '../src/profile/services.ts'

const file = readFileSync(join(projectRoot, 'k8s', 'base', 'provision.sql'), 'utf8')
const superuserUrl = testEnv('TEST_POSTGRES_URL')
const migratedSchemas: MigratedSchema[] = await Promise.all(
  services.flatMap(async ({ name, schema }) =>
    schema
      ? [{ ...((await import(`../../${name}/src/migrations.ts`)) as { migrations: URL }), schema: schema.name }]
      : [],
  ),
).then((rows) => rows.flat())
const schemas = migratedSchemas.map(({ schema }) => schema)
const lockFunctions = ['acquire_lock', 'acquire_shared_lock', 'try_lock', 'try_session_lock']
const advisoryLock = 'select pg_advisory_xact_lock(1)'

const run = async (url: string, ...statements: string[]): Promise<object[]> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    let rows: object[] = []
    for (const statement of statements) ({ rows } = await client.query(statement))
    return rows
  } finally {
    await client.end()
  }
}

/** A database of its own. Roles belong to the whole server, so the file gets another prefix for their names. */
const createDatabase = async (isSuperuser: boolean) => {
  const prefix = `sql_${randomBytes(4).toString('hex')}`
  const urlAs = (username: string): string =>
    Object.assign(new URL(superuserUrl), { username: `${prefix}_${username}`, password: 'test', pathname: prefix }).href
  await run(
    superuserUrl,
    `create role ${prefix}_admin login createrole password 'test'`,
    `create database ${prefix} owner ${prefix}_admin`,
  )
  const ownUrl = Object.assign(new URL(superuserUrl), { pathname: prefix }).href
  const roles = ['owner', ...schemas].map((name) => `${prefix}_${name}`)
  const asAdmin = (...statements: string[]) => run(isSuperuser ? ownUrl : urlAs('admin'), ...statements)
  return {
    prefix,
    asAdmin,
    as: (name: string, ...statements: string[]) => run(urlAs(name), ...statements),
    migrateAs: async (nameOf: (schema: string) => string) => {
      for (const each of migratedSchemas) await migrate(urlAs(nameOf(each.schema)), each)
    },
    provision: () =>
      asAdmin(
        file.replaceAll('clientele_', `${prefix}_`),
        ...roles.map((role) => `alter role ${role} password 'test'`),
      ),
    drop: async () => {
      await run(superuserUrl, `drop database ${prefix} with (force)`)
      await run(superuserUrl, ...roles.map((role) => `drop role if exists ${role}`), `drop role ${prefix}_admin`)
    },
  }
}
type Database = Awaited<ReturnType<typeof createDatabase>>

/** Objects of the product that do not belong to the owner. */
const findForeignObjects = ({ prefix, asAdmin }: Database) =>
  asAdmin(
    `select relname as name from pg_class where relnamespace::regnamespace::text = any('{${schemas}}') and relowner <> '${prefix}_owner'::regrole
     union all select proname from pg_proc where pronamespace::regnamespace::text = any('{${schemas}}') and proowner <> '${prefix}_owner'::regrole
     union all select nspname from pg_namespace where nspname = any('{${schemas}}') and nspowner <> '${prefix}_owner'::regrole`,
  )

describe.each([
  ['a superuser', true],
  ['an owner of the database who may create roles', false],
])('provision.sql, run by %s', (_, isSuperuser) => {
  let database: Database
  beforeAll(async () => {
    database = await createDatabase(isSuperuser)
    for (let times = 0; times < 2; times++) await database.provision()
    await database.migrateAs(() => 'owner')
    await database.provision()
  }, 120_000)
  afterAll(() => database?.drop())

  it('gives all schemas to the owner', async () => {
    expect(await findForeignObjects(database)).toEqual([])
  })

  it('lets the role of a service read and write rows, and take locks of its schema', async () => {
    const write = `insert into inbox (consumer, event_id) values ('a', gen_random_uuid())`
    for (const schema of schemas) {
      await database.as(schema, write, `update inbox set consumer = 'b'`)
      const rows = `with deleted as (delete from inbox returning consumer) select consumer, try_lock('inbox') from deleted`
      expect(await database.as(schema, rows)).toEqual([{ consumer: 'b', try_lock: true }])
    }
    expect(await database.as('customers', 'select next_customer_code() as code')).toEqual([{ code: 'CUS-000001' }])
  })

  it.each([
    'create table more (id integer)',
    'create table public.more (id integer)',
    'create temporary table more (id integer)',
    'alter table customers add column more integer',
    'drop table customers',
    'truncate customers',
    'drop function next_customer_code()',
    `insert into schema_migrations (name) values ('9999-never')`,
    'select * from orders.orders',
    `select orders.try_lock('placing')`,
    'create role another',
  ])('the role of a service cannot run: %s', async (sql) => {
    await expect(database.as('customers', sql)).rejects.toThrow(/permission denied|must be owner/)
  })

  it('limits connections, but keeps another limit', async () => {
    const limits = () =>
      database.asAdmin(
        `select replace(rolname, '${database.prefix}_', '') as role, rolconnlimit = current_setting('max_connections')::integer / 2 as half
         from pg_roles where rolname in ('${database.prefix}_owner', '${database.prefix}_media') order by 1`,
      )
    expect(await limits()).toEqual(['media', 'owner'].map((role) => ({ role, half: true })))
    await database.asAdmin(`alter role ${database.prefix}_media connection limit 7`)
    await database.provision()
    expect(await limits()).toEqual(['media', 'owner'].map((role) => ({ role, half: role === 'owner' })))
  })

  it(`${isSuperuser ? 'takes' : 'cannot take'} the locks of the whole database from the services`, async () => {
    const attempts = [advisoryLock, 'select pg_try_advisory_lock_shared(1, 2)', 'select lo_create(0)'].map((sql) =>
      database.as('users', sql).then(
        () => 'allowed',
        ({ message }: Error) => message.replace(/ for function .*/, ''),
      ),
    )
    expect(await Promise.all(attempts)).toEqual(Array(3).fill(isSuperuser ? 'permission denied' : 'allowed'))
    await database.as('owner', advisoryLock)
  })
})

describe.each([
  ['a superuser', true],
  ['an owner of the database who may create roles', false],
])('provision.sql for an installation of the release before, run by %s', (_, isSuperuser) => {
  let database: Database
  beforeAll(async () => {
    database = await createDatabase(isSuperuser)
    const { prefix } = database
    for (const schema of schemas)
      await database.asAdmin(
        `create role ${prefix}_${schema} login password 'test'`,
        `alter role ${prefix}_${schema} set search_path = ${schema}, public`,
        ...(isSuperuser ? [] : [`grant ${prefix}_${schema} to current_user`]),
        `create schema ${schema} authorization ${prefix}_${schema}`,
      )
    await database.asAdmin('create extension pg_trgm with schema public')
    await database.migrateAs((schema) => schema)
    // That release did not have these functions.
    for (const schema of schemas)
      await database.as(
        schema,
        ...lockFunctions.map((name) => `drop function ${name}(text)`),
        `delete from schema_migrations where name = 'platform-0009-create-lock-functions'`,
      )
    await database.provision()
  }, 120_000)
  afterAll(() => database?.drop())

  it('gives all objects to the owner, and that release can go on', async () => {
    expect(await findForeignObjects(database)).toEqual([])
    for (const schema of schemas) await database.as(schema, 'select name from schema_migrations', advisoryLock)
  })

  it('lets the owner run the new migrations, and can then be run again', async () => {
    await database.migrateAs(() => 'owner')
    await database.provision()
    expect(await findForeignObjects(database)).toEqual([])
    expect(await database.as('orders', `select try_session_lock('outbox 1') as held`)).toEqual([{ held: true }])
    if (isSuperuser) await expect(database.as('orders', advisoryLock)).rejects.toThrow('permission denied')
    await expect(database.as('orders', 'drop table orders')).rejects.toThrow('must be owner')
  })
})
