import type { Db } from './db.ts'

const keptMs = 30_000
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
    has: (db: Db, key: string): boolean => (of(db).get(key) ?? 0) > Date.now(),
    /** Keeps what is kept already no longer. */
    add: (db: Db, key: string): void => {
      const kept = of(db)
      if (key.length > longestKey || (kept.get(key) ?? 0) > Date.now()) return
      kept.delete(key)
      if (kept.size >= mostKept) kept.delete(kept.keys().next().value ?? '')
      kept.set(key, Date.now() + keptMs)
    },
    forget: (db: Db, key: string): void => void of(db).delete(key),
  }
}
