import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import pg from 'pg'
import { loadRows, saveRows } from '../src/backup/rows.ts'

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
