import { connectDb, type Db } from '@clientele/platform/data/db'
import { afterCommit, withSavepoint } from '@clientele/platform/data/transaction'
import { asOwner, type TestDatabase, testDatabase } from '@clientele/platform/testing/database'

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb({ ...database.config, databasePoolMax: 1 }, 'platform_test')
  await asOwner(database, 'create table remarks (text text primary key)')
})
afterAll(async () => {
  await db?.close()
  await database?.drop()
})

const add = 'insert into remarks values ($1)'
const count = async (text: string): Promise<number> =>
  (await db.query('select from remarks where text = $1', [text])).length

// The pool has one connection, so each test also shows that the previous one has released it.
describe('Transactions', () => {
  it('a transaction calls its afterCommit hooks after the commit', async () => {
    const called: number[] = []
    const result = await db.transaction(async (tx) => {
      afterCommit(tx, async () => void called.push(await count('kept')))
      await db.query(add, ['kept'], { tx })
      return 'done'
    })
    expect({ result, called }).toEqual({ result: 'done', called: [1] })
  })

  it('a transaction that throws is rolled back and calls no hooks', async () => {
    let called = false
    const work = db.transaction(async (tx) => {
      afterCommit(tx, () => {
        called = true
      })
      await db.query(add, ['dropped'], { tx })
      throw new Error('changed my mind')
    })
    await expect(work).rejects.toThrow('changed my mind')
    expect(await count('dropped')).toBe(0)
    expect(called).toBe(false)
  })

  it('a transaction rejects if the error of a statement was ignored', async () => {
    const work = db.transaction(async (tx) => {
      await db.query(add, ['lost'], { tx })
      await db.query('select 1 / 0', [], { tx }).catch(() => {})
    })
    await expect(work).rejects.toThrow('nothing was committed')
    expect(await count('lost')).toBe(0)
  })

  it('a transaction continues after a failed savepoint, whose writes are rolled back', async () => {
    await db.transaction(async (tx) => {
      await db.query(add, ['whole'], { tx })
      const part = withSavepoint(tx, async () => {
        await db.query(add, ['part'], { tx })
        await db.query('select 1 / 0', [], { tx })
      })
      await expect(part).rejects.toThrow('division by zero')
    })
    expect([await count('whole'), await count('part')]).toEqual([1, 0])
  })

  it('a transaction calls no hooks after a failed commit', async () => {
    let called = false
    await asOwner(database, 'create table later (id integer unique deferrable initially deferred)')
    const work = db.transaction(async (tx) => {
      afterCommit(tx, () => {
        called = true
      })
      await db.query('insert into later values (1), (1)', [], { tx })
    })
    await expect(work).rejects.toThrow('Validation error')
    expect([called, await db.query('select from later')]).toEqual([false, []])
  })

  it('a transaction whose connection breaks rejects with 503, and the next one gets a new connection', async () => {
    const work = db.transaction(async (tx) => {
      await db.query('select pg_terminate_backend(pg_backend_pid())', [], { tx })
    })
    await expect(work).rejects.toMatchObject({ code: 'unavailable', status: 503 })
    expect(await db.transaction((tx) => db.query('select 1 as one', [], { tx }))).toEqual([{ one: 1 }])
  })
})
