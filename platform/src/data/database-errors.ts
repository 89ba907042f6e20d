import { setTimeout as sleep } from 'node:timers/promises'
import { errorChain } from '../runtime/error-info.ts'

// The SQLSTATEs that the product looks at: https://www.postgresql.org/docs/current/errcodes-appendix.html
const uniqueViolation = '23505'
const foreignKeyViolations = new Set(['23503', '23001'])
const lockNotAvailable = '55P03'
const queryCanceled = '57014'
const dataException = /^22/
// serialization_failure, deadlock_detected: of two transactions that collide PostgreSQL refuses one.
const conflicts = new Set(['40001', '40P01'])
// A lost connection, too_many_connections, and the server going down or starting.
const busy = /^(57P0[123]|53300|08...)$/
const connectionState = /^(08...|57P0.)$/
const connectionCode = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)$/
const connectionName = /^Sequelize(Connection|HostNotFound|AccessDenied)/
const connectionMessage =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|Query read timeout)/

const stateOf = (error: unknown): string => {
  for (const { code } of errorChain(error)) if (typeof code === 'string') return code
  return ''
}

/** Whether the database could not be reached or the connection broke: the work itself could not help it. */
export const isConnectionError = (error: unknown): boolean =>
  errorChain(error).some(
    ({ name, code, message }) =>
      connectionName.test(name) ||
      connectionMessage.test(message) ||
      (typeof code === 'string' && (connectionState.test(code) || connectionCode.test(code))),
  )

/** Whether PostgreSQL ended one transaction in favour of another: run again, it can succeed. */
export const isConflict = (error: unknown): boolean => conflicts.has(stateOf(error))

/** Whether a lock was not to be had within `lock_timeout`. */
export const isLockTimeout = (error: unknown): boolean => stateOf(error) === lockNotAvailable

/** Whether a statement took longer than `statement_timeout`, or was cancelled. */
export const isStatementTimeout = (error: unknown): boolean => stateOf(error) === queryCanceled

/** Whether PostgreSQL could not do it now, but may a moment later: a conflict, a time-out, or no connection to spare. */
export const isTemporary = (error: unknown): boolean =>
  isConflict(error) || isLockTimeout(error) || isStatementTimeout(error) || busy.test(stateOf(error))

/** Whether a value was not of its column's type, such as one in a forged cursor. */
export const isInvalidValue = (error: unknown): boolean => dataException.test(stateOf(error))

/** The name of the unique constraint or index that `error` violates, or undefined for any other error. */
export const violatedConstraint = (error: unknown): string | undefined => {
  const violation = errorChain(error).find(({ code }) => code === uniqueViolation)
  return typeof violation?.constraint === 'string' ? violation.constraint : undefined
}

/** Whether other rows refer to the one that was to be removed. */
export const isReferenced = (error: unknown): boolean => foreignKeyViolations.has(stateOf(error))

/** Milliseconds before attempt 2; it grows with each further attempt, and is random so that two do not collide again. */
const maxPauseMs = 20

/**
 * Runs `work` again if it failed by a conflict with somebody else's transaction. `work` must be a whole transaction or
 * savepoint.
 * @param attempts how often it is run at most
 * @param isRetryable which errors another attempt may avoid; default {@link isConflict}
 * @throws the error of the last attempt
 */
export const retryOnConflict = async <T>(
  work: () => Promise<T>,
  { attempts = 5, isRetryable = isConflict }: { attempts?: number; isRetryable?: (error: unknown) => boolean } = {},
): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (attempt >= attempts || !isRetryable(error)) throw error
      await sleep(Math.random() * maxPauseMs * attempt)
    }
  }
}
