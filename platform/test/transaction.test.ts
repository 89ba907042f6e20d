import { connectDb, type Db } from '@clientele/platform/data/db'
import { afterCommit, inSavepoint } from '@clientele/platform/data/transaction'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb({ ...database.config, databasePoolMax: 1 }, 'platform_test')
  await db.query('create table remarks (text text primary key)')
})
afterAll(async () => {
  await db?.close()
  await database?.drop()
})

const add = 'insert into remarks values ($1)'
const count = async (text: string): Promise<number> =>
  (await db.query('select from remarks where text = $1', [text])).length

// One connection: each test also shows that the one before gave it back.
describe('transactions', () => {
  it('commit, and then call what waits for it', async () => {
    const called: number[] = []
    const result = await db.transaction(async (tx) => {
      afterCommit(tx, async () => void called.push(await count('kept')))
      await db.query(add, ['kept'], { tx })
      return 'done'
    })
    expect({ result, called }).toEqual({ result: 'done', called: [1] })
  })

  it('roll back on an error, and call nobody', async () => {
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

  it('do not pass for committed when a failed statement was overlooked', async () => {
    const work = db.transaction(async (tx) => {
      await db.query(add, ['lost'], { tx })
      await db.query('select 1 / 0', [], { tx }).catch(() => {})
    })
    await expect(work).rejects.toThrow('nothing was committed')
    expect(await count('lost')).toBe(0)
  })

  it('go on after a savepoint whose statement failed, without what the savepoint wrote', async () => {
    await db.transaction(async (tx) => {
      await db.query(add, ['whole'], { tx })
      const part = inSavepoint(tx, async () => {
        await db.query(add, ['part'], { tx })
        await db.query('select 1 / 0', [], { tx })
      })
      await expect(part).rejects.toThrow('division by zero')
    })
    expect([await count('whole'), await count('part')]).toEqual([1, 0])
  })

  it('call nobody after a commit that was refused', async () => {
    let called = false
    await db.query('create table later (id integer unique deferrable initially deferred)')
    const work = db.transaction(async (tx) => {
      afterCommit(tx, () => {
        called = true
      })
      await db.query('insert into later values (1), (1)', [], { tx })
    })
    await expect(work).rejects.toThrow('Validation error')
    expect([called, await db.query('select from later')]).toEqual([false, []])
  })

  it('end with 503 where the connection breaks, and the next one has another', async () => {
    const work = db.transaction(async (tx) => {
      await db.query('select pg_terminate_backend(pg_backend_pid())', [], { tx })
    })
    await expect(work).rejects.toMatchObject({ code: 'unavailable', status: 503 })
    expect(await db.transaction((tx) => db.query('select 1 as one', [], { tx }))).toEqual([{ one: 1 }])
  })
})
