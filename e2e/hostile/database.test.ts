import { client } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import pg from 'pg'
import { schemaOf } from '../services.ts'
import { type System, startSystem } from '../system.ts'

let system: System
beforeAll(async () => {
  system = await startSystem()
}, 120_000)
afterAll(() => system?.close(), 60_000)

/** Runs statements one after the other with the role of a service. @returns the error of each, or `done` */
const runAs = async (service: string, statements: string[]): Promise<string[]> => {
  const connection = new pg.Client({ connectionString: system.database(service) })
  await connection.connect()
  const results: string[] = []
  for (const statement of statements)
    results.push(
      await connection.query(statement).then(
        () => 'done',
        (error: Error) => error.message,
      ),
    )
  await connection.end()
  return results
}

describe('Whoever has the database role of a service', () => {
  it.each(Object.entries(schemaOf))('%s can change rows, but neither tables nor migrations', async (service) => {
    const [first, ...others] = await runAs(service, [
      'delete from inbox where false',
      'drop table inbox',
      'alter table outbox disable trigger all',
      'truncate outbox',
      'create table mine (id integer)',
      'create temporary table mine (id integer)',
      'drop function try_lock(text)',
      'delete from schema_migrations',
      'select lo_create(0)',
    ])
    expect(first).toBe('done')
    for (const error of others) expect(error).toMatch(/permission denied|must be owner/)
  })

  it('cannot take the locks of another service', async () => {
    const locks = ['users creation', 'users last admin'].flatMap((name) => [
      `select pg_advisory_lock(hashtextextended('${name}', 0))`,
      `select pg_try_advisory_xact_lock(hashtext('${name}'), 0)`,
      `select users.acquire_lock('creation')`,
    ])
    for (const error of await runAs('media-service', locks)) expect(error).toMatch(/permission denied|does not exist/)
  })

  it('takes locks of the same name in its own schema, while users are created', async () => {
    const holder = new pg.Client({ connectionString: system.database('media-service') })
    await holder.connect()
    await holder.query(`select try_session_lock('creation'), try_session_lock('last admin')`)
    const admin = client(system.gateway, (await signedInAs('admin')).token)
    const username = `locked-${Math.random().toString(36).slice(2, 10)}`
    const { status } = await admin.post('/v1/users', { username, email: `${username}@example.com` })
    await holder.end()
    expect(status).toBe(201)
  })

  it('has at most half of the connections', async () => {
    const [message] = await runAs('media-service', [
      `do $$ begin
         assert (select rolconnlimit from pg_roles where rolname = current_user)
           between 1 and current_setting('max_connections')::integer / 2;
       end $$`,
    ])
    expect(message).toBe('done')
  })
})
