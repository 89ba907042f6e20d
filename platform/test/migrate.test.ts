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
const migrateFolder = () => migrate(database.ownerUrl, { schema: 'platform_test', migrations: directory() })
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

describe('Migrations', () => {
  it('several processes apply each migration once and in order', async () => {
    await add('0002-b.sql', 'create table b (id int); insert into b values (1);')
    await add('0003-c.sql', 'alter table b add column c int not null default 7;')
    const applied = await Promise.all([1, 2, 3].map(migrateFolder))
    expect(applied.flat().sort()).toEqual(['0002-b', '0003-c'])
    expect(await db.query('select id, c from b')).toEqual([{ id: 1, c: 7 }])
  })

  it('a migration that fails is rolled back, and later ones are not applied', async () => {
    await add('0004-d.sql', 'create table d (id int); select 1 / 0;')
    await add('0005-e.sql', 'create table e (id int);')
    await expect(migrateFolder()).rejects.toThrow(/0004-d/)
    expect(await db.query(`select to_regclass('d') as d, to_regclass('e') as e`)).toEqual([{ d: null, e: null }])
  })

  it('assertMigrated names missing migrations and accepts additional ones', async () => {
    await expect(assertMigrated(db, directory())).rejects.toThrow(/0004-d, 0005-e.*npm run migrate/)
    await rm(join(folder, '0004-d.sql'))
    await rm(join(folder, '0005-e.sql'))
    await rm(join(folder, '0003-c.sql'))
    await expect(assertMigrated(db, directory())).resolves.toBeUndefined()
  })

  it('one of several processes builds indexes outside a transaction', async () => {
    await add(
      '0006-f.sql',
      '-- outside a transaction\ncreate index concurrently f on b (c);\ncreate index concurrently g on b (id);',
    )
    const applied = await Promise.all([1, 2, 3].map(migrateFolder))
    expect(applied.flat()).toEqual(['0006-f'])
    expect(
      await db.query(`select indexrelid::regclass::text as name from pg_index where indrelid = 'b'::regclass`),
    ).toEqual(expect.arrayContaining([{ name: 'f' }, { name: 'g' }]))
  })

  it('a migration outside a transaction that failed runs again from its beginning', async () => {
    await add('0007-h.sql', '-- outside a transaction\ncreate table if not exists h (id int);\nselect 1 / 0;')
    await expect(migrateFolder()).rejects.toThrow(/0007-h/)
    await add('0007-h.sql', '-- outside a transaction\ncreate table if not exists h (id int);\nselect 1;\n')
    expect(await migrateFolder()).toEqual(['0007-h'])
  })

  it('a migration that cannot be recorded is rolled back', async () => {
    await add('0008-n.sql', `create table n (id int); insert into schema_migrations (name) values ('0008-n');`)
    await expect(migrateFolder()).rejects.toThrow(/schema_migrations/)
    await rm(join(folder, '0008-n.sql'))
    expect(await db.query(`select to_regclass('n') as n`)).toEqual([{ n: null }])
    expect(await db.query(`select name from schema_migrations where name = '0008-n'`)).toEqual([])
  })
})
