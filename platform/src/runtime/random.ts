import { randomFillSync } from 'node:crypto'

const pool = Buffer.alloc(8_192)
let used = pool.length

/**
 * `count` random bytes (at most 8,192) for ids, to be read before the next call: they are drawn for many calls at a time,
 * since each draw costs microseconds.
 */
export const pooledRandom = (count: number): Buffer => {
  if (used + count > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += count
  return pool.subarray(used - count, used)
}
