import type { Db } from '../data/db.ts'

const keptMs = 30_000
const longestCountMs = 2_000
const mostKept = 1_000
const longestKey = 2_000

/**
 * Remembers for half a minute which lists have more rows than are counted: what had more than ten thousand a moment ago need
 * not be counted for each of its pages. Only that is remembered, never a number.
 */
export const createLargeTotals = () => {
  const untilOf = new WeakMap<Db, Map<string, number>>()
  const of = (db: Db): Map<string, number> => {
    const kept = untilOf.get(db) ?? new Map<string, number>()
    untilOf.set(db, kept)
    return kept
  }
  return {
    /** Where it was known until a moment ago, one request counts anew and the others go by what was known. */
    has: (db: Db, key: string): boolean => {
      const until = of(db).get(key)
      if (until === undefined) return false
      const now = Date.now()
      if (until > now) return true
      if (until + keptMs > now) of(db).set(key, now + longestCountMs)
      return false
    },
    /** What a count came to. */
    note: (db: Db, key: string, isLarge: boolean): void => {
      const kept = of(db)
      kept.delete(key)
      if (!isLarge || key.length > longestKey) return
      if (kept.size >= mostKept) kept.delete(kept.keys().next().value ?? '')
      kept.set(key, Date.now() + keptMs)
    },
  }
}
