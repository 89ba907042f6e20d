import type { Db, Tx } from '../data/db.ts'
import { countLimits, defaultCountLimit } from './total.ts'

const sampledPages = 200
/** A table with fewer pages of 8 kB is counted in a few milliseconds anyway. */
const minPages = 4_000
const sizeMaxAgeMs = 600_000

/** The counts that a list may ask for, the largest first. */
const bounds = [countLimits.exact, defaultCountLimit]
const sortLimits = { min: 1_000, max: 10_000 }

const selectSize = 'select relpages as pages, reltuples::float8 as rows from pg_class where oid = to_regclass($1)'

/**
 * Returns which of the bounds a table surely exceeds, from the number of sampled pages with a matching row. Pages are counted, and
 * not rows, because the rows of an import lie together. That fewer rows match happens about once in a million samples.
 */
export const boundFrom = (hitPages: number, tablePages: number): number | undefined => {
  const surelyHit = hitPages - 4 * Math.sqrt(hitPages)
  const rows = (surelyHit * tablePages) / sampledPages
  return bounds.find((bound) => rows > bound)
}

/** The size of a table as it was last analysed; `rows` is negative before. */
type TableSize = { pages: number; rows: number }

/**
 * Up to how many matching rows are collected and sorted. Of more, the rows of the table are read in the order of the sort: if a tenth of
 * them match, a page is full after some hundred.
 */
export const sortLimitFor = (tableRows: number): number =>
  tableRows < 0 ? sortLimits.max : Math.min(Math.max(Math.ceil(tableRows / 10), sortLimits.min), sortLimits.max)

/** Creates what knows the size of a table, and whether a list of its rows is large. */
export const createSampler = (table: string) => {
  const sizes = new WeakMap<Db, TableSize & { until: number }>()
  const sizeOf = async (db: Db, tx: Tx | undefined): Promise<TableSize> => {
    const known = sizes.get(db)
    if (known && known.until > Date.now()) return known
    const [size = { pages: 0, rows: -1 }] = await db.query<TableSize>(selectSize, [table], { tx })
    sizes.set(db, { ...size, until: Date.now() + sizeMaxAgeMs })
    return size
  }
  return {
    /** Up to how many matching rows are collected and sorted, rather than read in the order of the sort. */
    sortLimit: async (db: Db, tx: Tx | undefined): Promise<number> => sortLimitFor((await sizeOf(db, tx)).rows),

    /**
     * Returns a number of rows that the list surely exceeds; undefined if the sample does not tell. It reads 200 pages of the table: 2
     * ms at a million rows, where an index on text or tags takes 5 to 50 ms to collect the rows of a common word.
     */
    bound: async (
      db: Db,
      { where, values, tx }: { where: string; values: readonly unknown[]; tx: Tx | undefined },
    ): Promise<number | undefined> => {
      const { pages } = await sizeOf(db, tx)
      if (pages < minPages) return undefined
      const sample = `tablesample system (${(100 * sampledPages) / pages}) repeatable (1)`
      const sql = `select count(distinct (ctid::text::point)[0])::int as hit from ${table} ${sample} where ${where}`
      const [row] = await db.query<{ hit: number }>(sql, [...values], { tx })
      return boundFrom(row?.hit ?? 0, pages)
    },
  }
}
