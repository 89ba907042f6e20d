import { LruMap } from 'toad-cache'
import type { Db } from '../data/db.ts'

const keepMs = 30_000
const maxCountMs = 2_000
const maxKept = 1_000
const maxKeyLength = 2_000

/**
 * Remembers for half a minute which lists have more rows than are counted: a list that had more than ten thousand a moment
 * ago need not be counted for each of its pages. Only that is remembered, never a number.
 */
export const createLargeTotals = () => {
  /** By list: until when it counts as large, in milliseconds since 1970. */
  const caches = new WeakMap<Db, LruMap<number>>()
  const cacheOf = (db: Db): LruMap<number> => {
    const cache = caches.get(db) ?? new LruMap<number>(maxKept)
    caches.set(db, cache)
    return cache
  }
  return {
    /** Once that time is over, one request counts again while the others still rely on what was known. */
    has: (db: Db, key: string): boolean => {
      const cache = cacheOf(db)
      const until = cache.get(key)
      if (until === undefined) return false
      const now = Date.now()
      if (until > now) return true
      // The entry itself is the lock: it is renewed for as long as a count may take.
      if (until + keepMs > now) cache.set(key, now + maxCountMs)
      return false
    },
    /** Stores the result of a count. */
    note: (db: Db, key: string, isLarge: boolean): void => {
      if (isLarge && key.length <= maxKeyLength) cacheOf(db).set(key, Date.now() + keepMs)
      else cacheOf(db).delete(key)
    },
  }
}
