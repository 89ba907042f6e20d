import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'

/** A file of a job. `bytes` and `sha256` are null until it is complete. */
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
const compressionLevel = 1

const columns = `id, name, content_type as "contentType", bytes, sha256, created_at as "createdAt", expires_at as "expiresAt"`
const insert = `insert into job_files (id, name, content_type, expires_at, owner_id)
  values ($1, $2, $3, clock_timestamp() + make_interval(hours => $4), $5)`
const complete = `update job_files set bytes = $2, sha256 = $3, expires_at = clock_timestamp() + make_interval(hours => $4) where id = $1`

/** A reader of a file has a few chunks in memory, and there may be many readers. */
const chunkBytes = 128 << 10

type NewFile = { name: string; contentType: string; keepHours: number; ownerId: string }

export type JobFiles = ReturnType<typeof createJobFiles>

/**
 * Creates access to files in the service's database schema. They are stored in gzip-compressed chunks. Every replica can read them,
 * and a database backup includes them.
 */
export const createJobFiles = (db: Db) => {
  const append = async (id: string, position: number, bytes: Uint8Array, tx?: Tx): Promise<void> => {
    const values = [id, position, await compress(bytes, { level: compressionLevel })]
    await db.query(`insert into job_file_chunks (file_id, position, bytes) values ($1, $2, $3)`, values, {
      tx,
      name: 'job_file_append',
    })
  }

  return {
    /** Creates an empty file. It expires after `keepHours` unless `complete` is called. */
    create: async ({ name, contentType, keepHours, ownerId }: NewFile, tx?: Tx): Promise<string> => {
      const id = newId()
      await db.query(insert, [id, name, contentType, keepHours, ownerId], { tx })
      return id
    },

    /** Appends one chunk; `position` counts from 0. */
    append,

    /** Appends small chunks for many readers, from `position` on. @returns the position of the next chunk */
    appendForReaders: async (id: string, position: number, bytes: Uint8Array, tx?: Tx): Promise<number> => {
      let next = position
      for (let start = 0; start < bytes.length; start += chunkBytes) {
        await append(id, next, bytes.subarray(start, start + chunkBytes), tx)
        next += 1
      }
      return next
    },

    /** Removes the chunks before `position`. The chunks from there on become the content. */
    dropBefore: async (id: string, position: number, tx: Tx): Promise<void> => {
      await db.query('delete from job_file_chunks where file_id = $1 and position < $2', [id, position], { tx })
      const sql = 'update job_file_chunks set position = position - $2 where file_id = $1'
      await db.query(sql, [id, position], { tx })
    },

    /** Marks the file as complete and keeps it for `keepHours` from now. */
    complete: async (
      id: string,
      { bytes, sha256, keepHours }: { bytes: number; sha256: string; keepHours: number },
      tx?: Tx,
    ): Promise<void> => {
      await db.query(complete, [id, bytes, sha256, keepHours], { tx })
    },

    /** Returns a file without its content. */
    get: async (id: string): Promise<JobFile | undefined> =>
      (await db.query<JobFile>(`select ${columns} from job_files where id = $1`, [id]))[0],

    /** Reads the content chunk by chunk, starting at chunk `position`. Ends early if the file is removed meanwhile. */
    read: async function* (id: string, position = 0, tx?: Tx): AsyncGenerator<Buffer, void, void> {
      for (let next = position; ; next += 1) {
        const [row] = await db.query<{ bytes: Buffer }>(
          `select bytes from job_file_chunks where file_id = $1 and position = $2`,
          [id, next],
          { tx, name: 'job_file_read' },
        )
        if (!row) return
        yield await decompress(row.bytes)
      }
    },

    /** Moves the expiry to `keepHours` from now. */
    extendExpiry: async (id: string, keepHours: number, tx?: Tx): Promise<void> => {
      const sql = `update job_files set expires_at = clock_timestamp() + make_interval(hours => $2) where id = $1`
      await db.query(sql, [id, keepHours], { tx })
    },

    remove: async (id: string, tx?: Tx): Promise<void> => {
      await db.query(`delete from job_files where id = $1`, [id], { tx })
    },
  }
}
