import { Problem } from '../runtime/problem.ts'
import { isLockTimeout } from './database-errors.ts'
import type { Db, Tx } from './db.ts'

/**
 * Acquires a lock of this schema until the transaction ends, across replicas. Other schemas have locks of their own.
 * @param name what is locked, such as `uploads of 12`
 * @throws Problem 503 if it is not free within the connection's `lock_timeout`
 */
export const acquireLock = async (
  db: Db,
  tx: Tx,
  name: string,
  mode: 'exclusive' | 'shared' = 'exclusive',
): Promise<void> => {
  const acquire = mode === 'shared' ? 'acquire_shared_lock' : 'acquire_lock'
  try {
    await db.query(`select ${acquire}($1)`, [name], { tx })
  } catch (cause) {
    if (!isLockTimeout(cause)) throw cause
    const detail = 'another change is still in progress'
    throw new Problem('unavailable', { detail, headers: { 'Retry-After': '2' }, cause })
  }
}
