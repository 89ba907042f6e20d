import { LruMap } from 'toad-cache'
import type { Db } from '../data/db.ts'

const maxAgeMs = 30_000
const maxCountMs = 2_000
const maxEntries = 1_000
const maxKeyLength = 2_000

/** A list counts as large until a time, in ms since 1970. It has more than `bound` rows. */
type Entry = { until: number; bound: number }

/**
 * Remembers for 30 s which queries match more rows than were counted, so that not every page counts them again. Only a lower bound is
 * cached, never a number.
 */
export const createLargeListCache = () => {
  const caches = new WeakMap<Db, LruMap<Entry>>()
  const cacheOf = (db: Db): LruMap<Entry> => {
    const cache = caches.get(db) ?? new LruMap<Entry>(maxEntries)
    caches.set(db, cache)
    return cache
  }
  return {
    /**
     * Whether the query is known to match more than `count` rows. When the entry expires, one caller gets false and counts again; the
     * others get true.
     */
    has: (db: Db, key: string, count: number): boolean => {
      const cache = cacheOf(db)
      const entry = cache.get(key)
      if (entry === undefined || entry.bound < count) return false
      const { until, bound } = entry
      const now = Date.now()
      if (until > now) return true
      // The renewed entry keeps other callers from counting, for as long as a count may take.
      if (until + maxAgeMs > now) cache.set(key, { until: now + maxCountMs, bound })
      return false
    },
    /** Stores whether a list is large: its lower bound, or false. */
    set: (db: Db, key: string, bound: number | false): void => {
      if (bound !== false && key.length <= maxKeyLength) cacheOf(db).set(key, { until: Date.now() + maxAgeMs, bound })
      else cacheOf(db).delete(key)
    },
  }
}
