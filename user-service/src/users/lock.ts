import { isLockTimeout } from '@clientele/platform/data/database-errors'
import type { Db, Tx } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'

/**
 * Takes a lock of this schema's to the end of the transaction, across replicas.
 * @throws Problem 503 when it is not to be had within the connection's lock_timeout
 */
export const takeLock = async (
  db: Db,
  tx: Tx,
  name: string,
  mode: 'exclusive' | 'shared' = 'exclusive',
): Promise<void> => {
  const call = mode === 'shared' ? 'pg_advisory_xact_lock_shared' : 'pg_advisory_xact_lock'
  try {
    await db.query(`select ${call}(hashtextextended($1, 0))`, [`${db.schema} ${name}`], { tx })
  } catch (cause) {
    if (!isLockTimeout(cause)) throw cause
    const detail = 'another change is under way and takes long'
    throw new Problem('unavailable', { detail, headers: { 'Retry-After': '2' }, cause })
  }
}
