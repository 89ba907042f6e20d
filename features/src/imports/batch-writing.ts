import { isConflict, retryOnConflict, violatedConstraint } from '@clientele/platform/data/database-errors'
import type { Tx } from '@clientele/platform/data/db'
import { inSavepoint } from '@clientele/platform/data/transaction'
import type { ImportChange, RowResult } from './import-target.ts'

type Part = { results: RowResult[]; changes: ImportChange[] }
/** @returns undefined where somebody else has taken a unique value meanwhile */
type Work<I> = (rows: readonly I[], tx: Tx) => Promise<Part | undefined>

const mostAttempts = 4
const taken: RowResult = {
  outcome: 'failed',
  problems: [{ code: 'taken', message: 'somebody else took a unique value of this row at the same moment' }],
}

/** Raised to roll a part back. */
class Taken extends Error {}

const isClash = (error: unknown): boolean =>
  error instanceof Taken || violatedConstraint(error) !== undefined || isConflict(error)

// By the next attempt, what the others did can be seen.
const attempt = async <I>(tx: Tx, rows: readonly I[], work: Work<I>): Promise<Part | undefined> => {
  const once = () =>
    inSavepoint(tx, async (inner) => {
      const part = await work(rows, inner)
      if (!part) throw new Taken()
      return part
    })
  return retryOnConflict(once, { attempts: mostAttempts, isRetryable: isClash }).catch((error: unknown) => {
    if (!isClash(error)) throw error
    return undefined
  })
}

/**
 * Works on rows together, again where others came in between, and in the end one by one: rows of a batch may hand a unique value on to
 * each other, which one statement cannot follow.
 */
export const resilient = async <I>(tx: Tx, rows: readonly I[], work: Work<I>): Promise<Part[]> => {
  if (rows.length === 0) return []
  const together = await attempt(tx, rows, work)
  if (together) return [together]
  const parts: Part[] = []
  for (const row of rows) parts.push((await attempt(tx, [row], work)) ?? { results: [taken], changes: [] })
  return parts
}

/** One change for each thing: it keeps what was before the first and the version of the last. */
export const merged = (changes: readonly ImportChange[]): ImportChange[] => {
  const all = new Map<string, ImportChange>()
  for (const change of changes) {
    const first = all.get(change.subject)
    const edits = (first?.edits ?? 0) + change.edits
    const previous = first?.created ? null : { ...change.previous, ...first?.previous }
    all.set(change.subject, first ? { ...first, version: change.version, edits, previous } : change)
  }
  return [...all.values()]
}

const chunkRows = 250

/**
 * Writes rows in chunks, one after the other: no statement becomes longer than PostgreSQL reads quickly.
 * @returns what `write` gave for each chunk
 */
export const writeInChunks = async <T, R>(
  rows: readonly T[],
  write: (chunk: readonly T[]) => Promise<R>,
): Promise<R[]> => {
  const results: R[] = []
  for (let from = 0; from < rows.length; from += chunkRows)
    results.push(await write(rows.slice(from, from + chunkRows)))
  return results
}
