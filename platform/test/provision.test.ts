import { randomBytes } from 'node:crypto'
import { migrate } from '@clientele/platform/data/migrate'
import { provisionDatabase } from '@clientele/platform/data/provision'
import { testEnv } from '@clientele/platform/testing/database'
import pg from 'pg'

const migrations = new URL('./migrations/', import.meta.url)
const suffix = randomBytes(4).toString('hex')
const database = `provision_${suffix}`
const schemas = ['notes', 'papers'] as const
const owner = { role: `owner_${suffix}`, password: 'test' }
const roleOf = (schema: string) => `${schema}_${suffix}`
const provisionOf = (schema: string) => ({ database, schema, role: roleOf(schema), password: 'test' })
const adminUrl = testEnv('TEST_POSTGRES_URL')
const urlAs = (username: string, name = database): string =>
  Object.assign(new URL(adminUrl), { username, password: 'test', pathname: `/${name}` }).href

const run = async (url: string, sql: string): Promise<object[]> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return client
    .query(sql)
    .then(({ rows }) => rows)
    .finally(() => client.end())
}
const as = (schema: string, sql: string) => run(urlAs(roleOf(schema)), sql)
const advisoryLock = `select pg_advisory_xact_lock(hashtextextended('users creation', 0))`

afterAll(async () => {
  await run(adminUrl, `drop database if exists ${database} with (force)`)
  for (const role of [...schemas.map(roleOf), owner.role]) await run(adminUrl, `drop role if exists ${role}`)
})

describe('A database of the release before, in which each role owns its schema', () => {
  beforeAll(async () => {
    for (const schema of schemas) {
      await provisionDatabase(adminUrl, provisionOf(schema))
      await migrate(urlAs(roleOf(schema)), { schema, migrations })
      // That release did not have these functions.
      for (const name of ['acquire_lock', 'acquire_shared_lock', 'try_lock', 'try_session_lock'])
        await as(schema, `drop function ${name}(text)`)
      await as(schema, `delete from schema_migrations where name = 'platform-0009-create-lock-functions'`)
      await as(schema, `insert into notes (text) values ('before')`)
    }
  })

  it('hands the schemas to the owner, while the release before can go on', async () => {
    for (const schema of schemas) await provisionDatabase(adminUrl, { ...provisionOf(schema), owner })
    expect(await as('notes', 'select text from notes')).toEqual([{ text: 'before' }])
    await as('notes', `update notes set text = 'after'`)
    await as('notes', advisoryLock)
    await expect(as('notes', 'drop table notes')).rejects.toThrow('must be owner')
    await expect(migrate(urlAs(roleOf('notes')), { schema: 'notes', migrations })).rejects.toThrow(
      /does not own the schema notes.*clientele_owner/,
    )
  })

  it('lets only the owner use the locks of PostgreSQL, once all schemas have lock functions', async () => {
    for (const schema of schemas) await migrate(urlAs(owner.role), { schema, migrations })
    await provisionDatabase(adminUrl, { ...provisionOf('notes'), owner })
    await expect(as('notes', advisoryLock)).rejects.toThrow('permission denied')
    expect(await as('notes', `select try_lock('creation') as held`)).toEqual([{ held: true }])
    await run(urlAs(owner.role), advisoryLock)
  })

  it('keeps a connection limit that an operator has set', async () => {
    await run(adminUrl, `alter role ${roleOf('notes')} connection limit 7`)
    await provisionDatabase(adminUrl, { ...provisionOf('notes'), owner })
    const limits = await run(adminUrl, `select rolconnlimit from pg_roles where rolname = '${roleOf('notes')}'`)
    expect(limits).toEqual([{ rolconnlimit: 7 }])
  })
})

describe('The role of a service', () => {
  it.each([
    'create table more (id integer)',
    'create temporary table more (id integer)',
    'alter table notes disable trigger all',
    'alter table notes add column more integer',
    'truncate notes',
    `insert into schema_migrations (name) values ('9999-never')`,
    'create function notes.pg_advisory_xact_lock(integer, integer) returns void language sql as $$ select $$',
    'select lo_create(0)',
    'select pg_advisory_lock(1)',
    'select pg_try_advisory_lock_shared(1, 2)',
    'set role clientele_owner',
    `select papers.try_lock('creation')`,
  ])('cannot run: %s', async (sql) => {
    await expect(as('notes', sql)).rejects.toThrow(/permission denied|must be owner|does not exist/)
  })

  it('cannot read another schema', async () => {
    await expect(as('notes', 'select * from papers.notes')).rejects.toThrow('permission denied for schema papers')
  })

  it('takes locks that are not those of another schema', async () => {
    const [first, second] = schemas.map((schema) => new pg.Client({ connectionString: urlAs(roleOf(schema)) }))
    await Promise.all([first?.connect(), second?.connect()])
    const tryLock = async (client: pg.Client | undefined) =>
      (await client?.query<{ held: boolean }>(`select try_session_lock('creation') as held`))?.rows[0]?.held
    expect([await tryLock(first), await tryLock(second)]).toEqual([true, true])
    await Promise.all([first?.end(), second?.end()])
  })

  it('has a connection limit, as the owner has', async () => {
    const limits = await run(
      adminUrl,
      `select distinct rolconnlimit = current_setting('max_connections')::integer / 2 as half from pg_roles
       where rolname in ('${roleOf('papers')}', '${owner.role}')`,
    )
    expect(limits).toEqual([{ half: true }])
  })
})

describe('An administrator who may create roles and databases, but is no superuser', () => {
  const admin = `admin_${suffix}`
  const ownDatabase = `own_${suffix}`
  const roles = ['letters', 'letters_owner'].map((name) => `${name}_${suffix}`) as [string, string]

  afterAll(async () => {
    await run(adminUrl, `drop database if exists ${ownDatabase} with (force)`)
    for (const role of [...roles, admin]) await run(adminUrl, `drop role if exists ${role}`)
  })

  it('provisions a database of its own, also again, but nobody is kept from the locks of PostgreSQL', async () => {
    await run(adminUrl, `create role ${admin} login createrole createdb password 'test'`)
    const provision = {
      ...{ database: ownDatabase, schema: 'letters', role: roles[0], password: 'test' },
      owner: { role: roles[1], password: 'test' },
    }
    for (let times = 0; times < 2; times++) await provisionDatabase(urlAs(admin, 'postgres'), provision)
    await migrate(urlAs(roles[1], ownDatabase), { schema: 'letters', migrations })
    await provisionDatabase(urlAs(admin, 'postgres'), provision)
    await run(urlAs(roles[0], ownDatabase), `insert into notes (text) values ('one')`)
    await expect(run(urlAs(roles[0], ownDatabase), 'drop table notes')).rejects.toThrow('must be owner')
    await run(urlAs(roles[0], ownDatabase), advisoryLock)
  })
})

it('names must be plain identifiers', async () => {
  await expect(provisionDatabase(adminUrl, { ...provisionOf('notes'), schema: 'a; drop' })).rejects.toThrow(
    'not a plain identifier: a; drop',
  )
})
