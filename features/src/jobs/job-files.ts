import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'

/** A file of a job. `bytes` and `sha256` are null until it is whole. */
export type JobFile = {
  id: string
  name: string
  contentType: string
  bytes: number | null
  sha256: string | null
  createdAt: Date
  expiresAt: Date
}

const compress = promisify(gzip)
const decompress = promisify(gunzip)
const level = 1

const columns = `id, name, content_type as "contentType", bytes, sha256, created_at as "createdAt", expires_at as "expiresAt"`
const insert = `insert into job_files (id, name, content_type, expires_at) values ($1, $2, $3, clock_timestamp() + make_interval(hours => $4))`
const seal = `update job_files set bytes = $2, sha256 = $3, expires_at = clock_timestamp() + make_interval(hours => $4) where id = $1`

export type JobFiles = ReturnType<typeof createJobFiles>

/** Files in the service's own schema, in compressed chunks: any replica can read them, and one backup has everything. */
export const createJobFiles = (db: Db) => ({
  /** A file without content; it goes in `keepHours` where nobody seals it. */
  create: async (
    { name, contentType, keepHours }: { name: string; contentType: string; keepHours: number },
    tx?: Tx,
  ): Promise<string> => {
    const id = newId()
    await db.query(insert, [id, name, contentType, keepHours], { tx })
    return id
  },

  /** Adds a chunk; `position` counts from 0. A chunk of about 1 MB is good, a small one does no harm. */
  append: async (id: string, position: number, bytes: Uint8Array, tx?: Tx): Promise<void> => {
    const values = [id, position, await compress(bytes, { level })]
    await db.query(`insert into job_file_chunks (file_id, position, bytes) values ($1, $2, $3)`, values, {
      tx,
      name: 'job_file_append',
    })
  },

  /** The file is whole, and kept for `keepHours` from now. */
  seal: async (
    id: string,
    { bytes, sha256, keepHours }: { bytes: number; sha256: string; keepHours: number },
    tx?: Tx,
  ): Promise<void> => {
    await db.query(seal, [id, bytes, sha256, keepHours], { tx })
  },

  get: async (id: string): Promise<JobFile | undefined> =>
    (await db.query<JobFile>(`select ${columns} from job_files where id = $1`, [id]))[0],

  /** The content, chunk by chunk, from `position` on. Ends where the file does or is removed. */
  read: async function* (id: string, position = 0, tx?: Tx): AsyncGenerator<Buffer, void, void> {
    for (let at = position; ; at += 1) {
      const [row] = await db.query<{ bytes: Buffer }>(
        `select bytes from job_file_chunks where file_id = $1 and position = $2`,
        [id, at],
        { tx, name: 'job_file_read' },
      )
      if (!row) return
      yield await decompress(row.bytes)
    }
  },

  /** Keeps a file for `keepHours` from now. */
  keep: async (id: string, keepHours: number, tx?: Tx): Promise<void> => {
    const sql = `update job_files set expires_at = clock_timestamp() + make_interval(hours => $2) where id = $1`
    await db.query(sql, [id, keepHours], { tx })
  },

  remove: async (id: string, tx?: Tx): Promise<void> => {
    await db.query(`delete from job_files where id = $1`, [id], { tx })
  },
})
