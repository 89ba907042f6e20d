import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import pg from 'pg'
import { filledTables, loadRows, saveRows } from '../src/backup/rows.ts'

let database: TestDatabase
let client: pg.Client
let folder: string
beforeAll(async () => {
  const migrations = new URL('../../customer-service/migrations/', import.meta.url)
  database = await testDatabase({ schema: 'customers', migrations })
  client = new pg.Client({ connectionString: database.ownerUrl })
  await client.connect()
  folder = await mkdtemp(join(tmpdir(), 'clientele-rows-'))
})
afterAll(async () => {
  await client?.end()
  await database?.drop()
  await rm(folder, { recursive: true, force: true })
})

it('loadRows restores rows as they were saved, including rows that triggers write', async () => {
  await client.query(`insert into customers (id, code, search_text, created_at, created_by, created_by_name,
    updated_at, updated_by, updated_by_name) select gen_random_uuid(), next_customer_code(), '', now(), 'ana', 'Ana', now(), 'ana', 'Ana'`)
  await client.query('update customers set version = version + 1, updated_by = $1', ['ben'])
  const editors = async () =>
    (await client.query('select user_id, edits from customer_editors order by user_id')).rows as object[]
  const before = await editors()
  expect(before).toEqual([
    { user_id: 'ana', edits: 1 },
    { user_id: 'ben', edits: 1 },
  ])
  const saved = await saveRows(client, join(folder, 'customers'))
  await client.query('begin')
  await loadRows(client, join(folder, 'customers'), saved)
  await client.query('commit')
  expect(await editors()).toEqual(before)
  await client.query('update customers set version = version + 1')
  expect(await editors()).toContainEqual({ user_id: 'ben', edits: 2 })
})

describe('Partitions', () => {
  const events = async (of: pg.Client) =>
    (await of.query('select class, recorded_at, seq, body, tableoid::regclass::text as table from events order by seq'))
      .rows as object[]
  const connect = async (url: string): Promise<pg.Client> => {
    const connected = new pg.Client({ connectionString: url, options: '-c timezone=UTC' })
    await connected.connect()
    return connected
  }

  it('loadRows creates the partitions that the backup has and the new schema lacks', async () => {
    const migrations = new URL('../../activity-service/migrations/', import.meta.url)
    const schema = { schema: 'activity', migrations }
    const [source, target] = [await testDatabase(schema), await testDatabase(schema)]
    const [from, to, service] = await Promise.all([source.ownerUrl, target.ownerUrl, target.url].map(connect))
    try {
      if (!from || !to || !service) throw new Error('not connected')
      expect(await filledTables(to)).toEqual([])
      await from.query(`select create_partitions('2025-03-15')`)
      await from.query(`insert into events (class, recorded_at, seq, at, event_id, type, subject, bulk, body, body_hash, hash)
        select class, at, seq, at, gen_random_uuid(), 'customer.created.v1', 'ana', false, 'body ' || seq, '\\x', '\\x'
        from (values ('lasting', 1, timestamptz '2025-03-01 00:00Z'), ('passing', 2, timestamptz '2025-03-31 23:59:59Z'),
          ('lasting', 3, now())) as row (class, seq, at)`)
      const saved = await saveRows(from, join(folder, 'activity'))
      await to.query('begin')
      await loadRows(to, join(folder, 'activity'), saved)
      await to.query('commit')
      expect(await filledTables(to)).toContain('events_lasting_2025_03')
      const restored = await events(to)
      expect(restored).toEqual(await events(from))
      expect(restored).toMatchObject([{ table: 'events_lasting_2025_03' }, { table: 'events_passing_2025_03' }, {}])
      // A partition that a restore has created is no different to the service: it reads and drops it.
      expect(await events(service)).toEqual(restored)
      await service.query(`select drop_partition('events', 'lasting', '2025-03-01')`)
      expect(await events(service)).toHaveLength(2)
    } finally {
      await Promise.all([from?.end(), to?.end(), service?.end()])
      await Promise.all([source.drop(), target.drop()])
    }
  })

  it('loadRows refuses bounds of a partition that could be anything else', async () => {
    const bounds = "FOR VALUES IN ('x'); drop table customers; --')"
    const table = { name: 'customers_x', columns: ['id'], rows: 0, partition: { of: 'customers', bounds } }
    await expect(loadRows(client, folder, { tables: [table], sequences: [] })).rejects.toThrow(
      'the partition customers_x has unknown bounds',
    )
  })
})
