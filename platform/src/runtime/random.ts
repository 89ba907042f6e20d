import { randomFillSync } from 'node:crypto'

const pool = Buffer.alloc(8_192)
let offset = pool.length

/**
 * Returns `count` random bytes (at most 8,192) for ids. The buffer is reused, so read it before the next call. The bytes of many
 * calls are generated at once, because each call of the system's generator takes microseconds.
 */
export const pooledRandomBytes = (count: number): Buffer => {
  if (offset + count > pool.length) {
    randomFillSync(pool)
    offset = 0
  }
  offset += count
  return pool.subarray(offset - count, offset)
}
