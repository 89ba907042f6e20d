import { connectDb, createDb, type Db } from '@clientele/platform/data/db'
import { metrics } from '@clientele/platform/runtime/telemetry'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb({ ...database.config, databasePoolMax: 2 }, 'platform_test')
})
afterAll(async () => {
  await db?.close()
  await database?.drop()
})

const text = 'select $1::integer + 1 as next'

it('a named statement is prepared once per connection, in a transaction as well', async () => {
  await db.transaction(async (tx) => {
    expect(await db.query(text, [1], { tx, name: 'next_number' })).toEqual([{ next: 2 }])
    expect(await db.query(text, [2], { tx, name: 'next_number' })).toEqual([{ next: 3 }])
    const prepared = `select name, statement from pg_prepared_statements`
    expect(await db.query(prepared, [], { tx })).toEqual([{ name: 'next_number', statement: text }])
  })
})

it('the metrics count used and idle connections and the requests that wait for one', async () => {
  const smallPool = createDb({ ...database.config, databasePoolMax: 1 }, 'platform_test')
  const value = async (line: string) => {
    const body = await metrics.metrics()
    return Number(new RegExp(`^clientele_${line.replace(/[{}]/g, '\\$&')} (\\d+)$`, 'm').exec(body)?.[1])
  }
  const before = await value('database_connections{state="used"}')
  let waiting: Promise<unknown> = Promise.resolve()
  await smallPool.transaction(async (tx) => {
    await smallPool.query('select 1', [], { tx })
    waiting = smallPool.query('select 1')
    await new Promise((resolve) => setImmediate(resolve))
    expect(await value('database_connections{state="used"}')).toBe(before + 1)
    expect(await value('database_waiting')).toBe(1)
  })
  await waiting
  expect(await value('database_connections{state="used"}')).toBe(before)
  expect(await value('database_waiting')).toBe(0)
  const limit = await value('database_connections_limit')
  await smallPool.close()
  expect(await value('database_connections_limit')).toBe(limit - 1)
})
