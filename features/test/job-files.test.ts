import { createHash, randomBytes } from 'node:crypto'
import { cleanUpJobs } from '@clientele/features/jobs/job.cleanup'
import { createJobTable } from '@clientele/features/jobs/job.store'
import { createJobFiles } from '@clientele/features/jobs/job-files'
import type { Db } from '@clientele/platform/data/db'
import { type PlatformDatabase, startDatabase } from './platform-database.ts'

let database: PlatformDatabase
let db: Db
beforeAll(async () => {
  database = await startDatabase()
  db = database.db
})
afterAll(() => database?.end())

const readContent = async (id: string, from = 0): Promise<Buffer> => {
  const parts: Buffer[] = []
  for await (const part of createJobFiles(db).read(id, from)) parts.push(part)
  return Buffer.concat(parts)
}

describe('Files of jobs', () => {
  it('a file is read as it was written, chunk by chunk, from any chunk on', async () => {
    const files = createJobFiles(db)
    const parts = [randomBytes(1_000_000), Buffer.from('Zoë,\u0000'), Buffer.alloc(0), randomBytes(10)]
    const id = await files.create({ name: 'people.csv', contentType: 'text/csv', keepHours: 1, ownerId: 'x' })
    for (const [position, part] of parts.entries()) await files.append(id, position, part)
    const sha256 = createHash('sha256').update(Buffer.concat(parts)).digest('hex')
    await files.complete(id, { bytes: 1_000_018, sha256, keepHours: 1 })
    expect((await readContent(id)).equals(Buffer.concat(parts))).toBe(true)
    expect((await readContent(id, 1)).equals(Buffer.concat(parts.slice(1)))).toBe(true)
    expect(await files.get(id)).toMatchObject({ name: 'people.csv', bytes: 1_000_018, sha256 })
  })

  it('appendForReaders splits content into chunks of 128 kB, so that a reader needs little memory', async () => {
    const files = createJobFiles(db)
    const content = randomBytes(300_000)
    const id = await files.create({ name: 'a', contentType: 'text/csv', keepHours: 1, ownerId: 'x' })
    expect(await files.appendForReaders(id, 0, content)).toBe(3)
    expect(await files.appendForReaders(id, 3, Buffer.from('end'))).toBe(4)
    const sizes = []
    for await (const part of files.read(id)) sizes.push(part.length)
    expect(sizes).toEqual([131_072, 131_072, 37_856, 3])
    expect((await readContent(id)).equals(Buffer.concat([content, Buffer.from('end')]))).toBe(true)
  })

  it('append rejects a chunk whose position exists already', async () => {
    const files = createJobFiles(db)
    const id = await files.create({ name: 'a', contentType: 'text/csv', keepHours: 1, ownerId: 'x' })
    await files.append(id, 0, Buffer.from('a'))
    await expect(files.append(id, 0, Buffer.from('b'))).rejects.toMatchObject({ parent: { code: '23505' } })
  })

  it('the cleanup deletes expired files with their chunks, and expired jobs', async () => {
    const files = createJobFiles(db)
    const [expired, current] = [
      await files.create({ name: 'expired', contentType: 'text/csv', keepHours: 1, ownerId: 'x' }),
      await files.create({ name: 'current', contentType: 'text/csv', keepHours: 1, ownerId: 'x' }),
    ]
    await files.append(expired, 0, Buffer.from('a'))
    const owner = { id: 'x', displayName: 'x' }
    const table = createJobTable(db)
    const [done, open] = await db.transaction(async (tx) => [
      await table.add({ kind: 'count', owner, input: {} }, tx),
      await table.add({ kind: 'count', owner, input: {} }, tx),
    ])
    const past = `now() - interval '1 second'`
    await db.query(`update jobs set status = 'succeeded', errors_file = $2, expires_at = ${past} where id = $1`, [
      done,
      expired,
    ])
    await db.query(`update job_files set expires_at = ${past} where id = $1`, [expired])
    await cleanUpJobs(db, new AbortController().signal)
    expect([await files.get(expired), (await files.get(current))?.name]).toEqual([undefined, 'current'])
    expect(await db.query('select id from jobs')).toEqual([{ id: open }])
    expect(await db.query('select from job_file_chunks where file_id = $1', [expired])).toEqual([])
  })
})
