import { LruMap } from 'toad-cache'
import type { Db } from '../data/db.ts'

const maxAgeMs = 30_000
const maxCountMs = 2_000
const maxEntries = 1_000
const maxKeyLength = 2_000

/**
 * Remembers for 30 s which queries match more rows than a list counts (10,000), so that not every page counts them again.
 * Only that fact is cached, never a number.
 */
export const createLargeListCache = () => {
  /** The time until which each query counts as large, in ms since 1970. */
  const caches = new WeakMap<Db, LruMap<number>>()
  const cacheOf = (db: Db): LruMap<number> => {
    const cache = caches.get(db) ?? new LruMap<number>(maxEntries)
    caches.set(db, cache)
    return cache
  }
  return {
    /** Whether the query counts as large. When the entry expires, one caller gets false and counts again; the others get true. */
    has: (db: Db, key: string): boolean => {
      const cache = cacheOf(db)
      const until = cache.get(key)
      if (until === undefined) return false
      const now = Date.now()
      if (until > now) return true
      // The renewed entry keeps other callers from counting, for as long as a count may take.
      if (until + maxAgeMs > now) cache.set(key, now + maxCountMs)
      return false
    },
    /** Stores whether a count found a large list. */
    set: (db: Db, key: string, isLarge: boolean): void => {
      if (isLarge && key.length <= maxKeyLength) cacheOf(db).set(key, Date.now() + maxAgeMs)
      else cacheOf(db).delete(key)
    },
  }
}
