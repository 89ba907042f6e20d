import { connectDb, type Db } from '@clientele/platform/data/db'
import { connectionOf, nested, sendAlong } from '@clientele/platform/data/transaction'
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
      tx.afterCommit(async () => void called.push(await count('kept')))
      await db.query(add, ['kept'], { tx })
      return 'done'
    })
    expect({ result, called }).toEqual({ result: 'done', called: [1] })
  })

  it('roll back on an error, and call nobody', async () => {
    let called = false
    const work = db.transaction(async (tx) => {
      tx.afterCommit(() => {
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

  it('fail with the reason of a statement that was sent along with the commit, and keep nothing', async () => {
    const work = db.transaction(async (tx) => {
      await db.query(add, ['halved'], { tx })
      sendAlong(tx, connectionOf(tx).query('select 1 / 0'))
    })
    await expect(work).rejects.toThrow('division by zero')
    expect(await count('halved')).toBe(0)
  })

  it('go on after a part whose statement sent along failed', async () => {
    await db.transaction(async (tx) => {
      await db.query(add, ['whole'], { tx })
      const part = nested(tx, async () => {
        await db.query(add, ['part'], { tx })
        sendAlong(tx, connectionOf(tx).query('select 1 / 0'))
      })
      await expect(part).rejects.toThrow('division by zero')
    })
    expect([await count('whole'), await count('part')]).toEqual([1, 0])
  })

  it('go on after a part in which a statement failed before one that was sent along', async () => {
    await db.transaction(async (tx) => {
      sendAlong(tx, db.query(add, ['whole too'], { tx }))
      const part = nested(tx, async () => {
        const failing = db.query('select 1 / 0', [], { tx })
        sendAlong(tx, db.query(add, ['part too'], { tx }))
        await failing
      })
      await expect(part).rejects.toThrow('division by zero')
    })
    expect([await count('whole too'), await count('part too')]).toEqual([1, 0])
  })

  it('end with 503 where the connection breaks, and the next one has another', async () => {
    const work = db.transaction(async (tx) => {
      await db.query('select pg_terminate_backend(pg_backend_pid())', [], { tx })
    })
    await expect(work).rejects.toMatchObject({ code: 'unavailable', status: 503 })
    expect(await db.transaction((tx) => db.query('select 1 as one', [], { tx }))).toEqual([{ one: 1 }])
  })
})
