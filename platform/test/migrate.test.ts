import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { connectDb, type Db } from '@clientele/platform/data/db'
import { assertMigrated, migrate } from '@clientele/platform/data/migrate'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'

let database: TestDatabase
let db: Db
let folder = ''
const directory = () => pathToFileURL(`${folder}/`)
const add = (name: string, sql: string) => writeFile(join(folder, name), sql)

beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  folder = await mkdtemp(join(tmpdir(), 'migrations-'))
})
afterAll(async () => {
  await db.close()
  await database.drop()
  await rm(folder, { recursive: true })
})

describe('migrations (S0-26, S1-41, S4-27)', () => {
  it('are applied once, in order, by one of several processes', async () => {
    await add('0002-b.sql', 'create table b (id int); insert into b values (1);')
    await add('0003-c.sql', 'alter table b add column c int not null default 7;')
    const applied = await Promise.all([1, 2, 3].map(() => migrate(database.url, directory())))
    expect(applied.flat().sort()).toEqual(['0002-b', '0003-c'])
    expect(await db.query('select id, c from b')).toEqual([{ id: 1, c: 7 }])
  })

  it('leave nothing of one that fails, and stop there', async () => {
    await add('0004-d.sql', 'create table d (id int); select 1 / 0;')
    await add('0005-e.sql', 'create table e (id int);')
    await expect(migrate(database.url, directory())).rejects.toThrow(/0004-d/)
    expect(await db.query(`select to_regclass('d') as d, to_regclass('e') as e`)).toEqual([{ d: null, e: null }])
  })

  it('that fail stay missing: a start is refused by name, more than known is fine', async () => {
    await expect(assertMigrated(db, directory())).rejects.toThrow(/0004-d, 0005-e.*npm run migrate/)
    await rm(join(folder, '0004-d.sql'))
    await rm(join(folder, '0005-e.sql'))
    await rm(join(folder, '0003-c.sql'))
    await expect(assertMigrated(db, directory())).resolves.toBeUndefined()
  })

  it('build indexes outside a transaction, by one of several processes', async () => {
    await add(
      '0006-f.sql',
      '-- outside a transaction\ncreate index concurrently f on b (c);\ncreate index concurrently g on b (id);',
    )
    const applied = await Promise.all([1, 2, 3].map(() => migrate(database.url, directory())))
    expect(applied.flat()).toEqual(['0006-f'])
    expect(
      await db.query(`select indexrelid::regclass::text as name from pg_index where indrelid = 'b'::regclass`),
    ).toEqual(expect.arrayContaining([{ name: 'f' }, { name: 'g' }]))
  })

  it('begin anew where one outside a transaction failed', async () => {
    await add('0007-h.sql', '-- outside a transaction\ncreate table if not exists h (id int);\nselect 1 / 0;')
    await expect(migrate(database.url, directory())).rejects.toThrow(/0007-h/)
    await add('0007-h.sql', '-- outside a transaction\ncreate table if not exists h (id int);\nselect 1;\n')
    expect(await migrate(database.url, directory())).toEqual(['0007-h'])
  })

  it('leave nothing of one that cannot be recorded', async () => {
    await add('0008-n.sql', `create table n (id int); insert into schema_migrations (name) values ('0008-n');`)
    await expect(migrate(database.url, directory())).rejects.toThrow(/schema_migrations/)
    await rm(join(folder, '0008-n.sql'))
    expect(await db.query(`select to_regclass('n') as n`)).toEqual([{ n: null }])
    expect(await db.query(`select name from schema_migrations where name = '0008-n'`)).toEqual([])
  })
})

it('a role owns its schema and reads no other (S4-26)', async () => {
  const other = await testDatabase({ schema: 'platform_other', migrations: new URL('./migrations/', import.meta.url) })
  const url = Object.assign(new URL(database.url), { username: 'test_platform_other' })
  const stranger = await connectDb({ ...database.config, databaseUrl: url.href }, 'platform_other')
    .then(
      async (connection) => connection.query('select * from platform_test.notes').finally(() => connection.close()),
      (error: Error) => Promise.reject(error),
    )
    .catch((error: Error) => error.message)
  expect(stranger).toMatch(/permission denied/)
  await other.drop()
})
