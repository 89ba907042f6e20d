import { isConflict, retryOnConflict, violatedConstraint } from '@clientele/platform/data/database-errors'
import type { Tx } from '@clientele/platform/data/db'
import { withSavepoint } from '@clientele/platform/data/transaction'
import type { ImportChange, RowResult } from './import-target.ts'

type Written = { results: RowResult[]; changes: ImportChange[] }
/** Writes rows. @returns undefined if another transaction has taken one of their unique values meanwhile */
type WriteRows<I> = (rows: readonly I[], tx: Tx) => Promise<Written | undefined>

const maxAttempts = 4
const conflictResult: RowResult = {
  outcome: 'failed',
  problems: [
    { code: 'taken', message: 'another change took a unique value of this row at the same time; import the row again' },
  ],
}

/** Thrown to roll back to the savepoint and retry. */
class UniqueConflict extends Error {}

const isRetryable = (error: unknown): boolean =>
  error instanceof UniqueConflict || violatedConstraint(error) !== undefined || isConflict(error)

// Each attempt sees what other transactions have committed in the meantime.
const tryWrite = async <I>(tx: Tx, rows: readonly I[], write: WriteRows<I>): Promise<Written | undefined> => {
  const writeOnce = () =>
    withSavepoint(tx, async (inner) => {
      const written = await write(rows, inner)
      if (!written) throw new UniqueConflict()
      return written
    })
  return retryOnConflict(writeOnce, { attempts: maxAttempts, isRetryable }).catch((error: unknown) => {
    if (!isRetryable(error)) throw error
    return undefined
  })
}

/**
 * Writes rows together, and retries on conflicts with other transactions. If each attempt fails, the rows are written one by
 * one. That is needed if a row gets a unique value that an earlier row of the batch gives up, because one statement cannot do
 * both.
 */
export const writeBatch = async <I>(tx: Tx, rows: readonly I[], write: WriteRows<I>): Promise<Written[]> => {
  if (rows.length === 0) return []
  const together = await tryWrite(tx, rows, write)
  if (together) return [together]
  const all: Written[] = []
  for (const row of rows) all.push((await tryWrite(tx, [row], write)) ?? { results: [conflictResult], changes: [] })
  return all
}

/** Merges the changes of each resource into one, with the values before its first change and the version after its last. */
export const mergeChanges = (changes: readonly ImportChange[]): ImportChange[] => {
  const bySubject = new Map<string, ImportChange>()
  for (const change of changes) {
    const first = bySubject.get(change.subject)
    const edits = (first?.edits ?? 0) + change.edits
    const previous = first?.created ? null : { ...change.previous, ...first?.previous }
    bySubject.set(change.subject, first ? { ...first, version: change.version, edits, previous } : change)
  }
  return [...bySubject.values()]
}

const chunkRows = 250

/**
 * Writes rows in chunks, one after the other, because PostgreSQL is slow with very long statements.
 * @returns the results of `write`, one per chunk
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
