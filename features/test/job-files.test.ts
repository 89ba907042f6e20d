import { createHash, randomBytes } from 'node:crypto'
import { sweepJobs } from '@clientele/features/jobs/job.cleanup'
import { createJobTable } from '@clientele/features/jobs/job.store'
import { createJobFiles } from '@clientele/features/jobs/job-files'
import { connectDb, type Db } from '@clientele/platform/data/db'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase({
    schema: 'platform_test',
    migrations: new URL('../../platform/test/migrations/', import.meta.url),
  })
  db = await connectDb(database.config, 'platform_test')
})
afterAll(async () => {
  await db?.close()
  await database?.drop()
})

const contentOf = async (id: string, from = 0): Promise<Buffer> => {
  const parts: Buffer[] = []
  for await (const part of createJobFiles(db).read(id, from)) parts.push(part)
  return Buffer.concat(parts)
}

describe('files of jobs', () => {
  it('come back as they went in, chunk by chunk, from any chunk on', async () => {
    const files = createJobFiles(db)
    const parts = [randomBytes(1_000_000), Buffer.from('Zoë,\u0000'), Buffer.alloc(0), randomBytes(10)]
    const id = await files.create({ name: 'people.csv', contentType: 'text/csv', keepHours: 1 })
    for (const [position, part] of parts.entries()) await files.append(id, position, part)
    const sha256 = createHash('sha256').update(Buffer.concat(parts)).digest('hex')
    await files.seal(id, { bytes: 1_000_018, sha256, keepHours: 1 })
    expect((await contentOf(id)).equals(Buffer.concat(parts))).toBe(true)
    expect((await contentOf(id, 1)).equals(Buffer.concat(parts.slice(1)))).toBe(true)
    expect(await files.get(id)).toMatchObject({ name: 'people.csv', bytes: 1_000_018, sha256 })
  })

  it('take no chunk twice', async () => {
    const files = createJobFiles(db)
    const id = await files.create({ name: 'a', contentType: 'text/csv', keepHours: 1 })
    await files.append(id, 0, Buffer.from('a'))
    await expect(files.append(id, 0, Buffer.from('b'))).rejects.toMatchObject({ parent: { code: '23505' } })
  })

  it('expire with their chunks, and finished jobs do', async () => {
    const files = createJobFiles(db)
    const [old, young] = [
      await files.create({ name: 'old', contentType: 'text/csv', keepHours: 1 }),
      await files.create({ name: 'young', contentType: 'text/csv', keepHours: 1 }),
    ]
    await files.append(old, 0, Buffer.from('a'))
    const owner = { id: 'x', displayName: 'x' }
    const table = createJobTable(db)
    const [done, open] = await db.transaction(async (tx) => [
      await table.add({ kind: 'count', owner, input: {} }, tx),
      await table.add({ kind: 'count', owner, input: {} }, tx),
    ])
    const past = `now() - interval '1 second'`
    await db.query(`update jobs set status = 'succeeded', errors_file = $2, expires_at = ${past} where id = $1`, [
      done,
      old,
    ])
    await db.query(`update job_files set expires_at = ${past} where id = $1`, [old])
    await sweepJobs(db, new AbortController().signal)
    expect([await files.get(old), (await files.get(young))?.name]).toEqual([undefined, 'young'])
    expect(await db.query('select id from jobs')).toEqual([{ id: open }])
    expect(await db.query('select from job_file_chunks where file_id = $1', [old])).toEqual([])
  })
})
