import { setTimeout as sleep } from 'node:timers/promises'
import { errorChain } from '../runtime/error-info.ts'

// SQLSTATE codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
const uniqueViolation = '23505'
const foreignKeyViolations = new Set(['23503', '23001'])
const lockNotAvailable = '55P03'
const queryCanceled = '57014'
const dataException = /^22/
// serialization_failure and deadlock_detected: PostgreSQL aborts one of two conflicting transactions.
const conflicts = new Set(['40001', '40P01'])
// Connection exceptions, too_many_connections, and a server that is shutting down or starting.
const serverBusy = /^(57P0[123]|53300|08...)$/
const connectionState = /^(08...|57P0.)$/
const connectionCode = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN)$/
const connectionName = /^Sequelize(Connection|HostNotFound|AccessDenied)/
const connectionMessage =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|Query read timeout)/

const sqlStateOf = (error: unknown): string => {
  for (const { code } of errorChain(error)) if (typeof code === 'string') return code
  return ''
}

/** Whether the database was unreachable or the connection broke. */
export const isConnectionError = (error: unknown): boolean =>
  errorChain(error).some(
    ({ name, code, message }) =>
      connectionName.test(name) ||
      connectionMessage.test(message) ||
      (typeof code === 'string' && (connectionState.test(code) || connectionCode.test(code))),
  )

/** Whether PostgreSQL aborted the transaction because of another one (serialization failure or deadlock). A retry can succeed. */
export const isConflict = (error: unknown): boolean => conflicts.has(sqlStateOf(error))

/** Whether a lock was not available within `lock_timeout`. */
export const isLockTimeout = (error: unknown): boolean => sqlStateOf(error) === lockNotAvailable

/** Whether a statement exceeded `statement_timeout` or was cancelled. */
export const isStatementTimeout = (error: unknown): boolean => sqlStateOf(error) === queryCanceled

/** Whether a retry can succeed: after a conflict, a timeout, or without a free connection. */
export const isTemporary = (error: unknown): boolean =>
  isConflict(error) || isLockTimeout(error) || isStatementTimeout(error) || serverBusy.test(sqlStateOf(error))

/** Whether a value did not fit the type of its column, such as a value of a forged cursor. */
export const isInvalidValue = (error: unknown): boolean => dataException.test(sqlStateOf(error))

/** Returns the name of the violated unique constraint or index, or undefined for any other error. */
export const violatedConstraint = (error: unknown): string | undefined => {
  const violation = errorChain(error).find(({ code }) => code === uniqueViolation)
  return typeof violation?.constraint === 'string' ? violation.constraint : undefined
}

/** Whether a row could not be deleted because other rows refer to it. */
export const isReferenced = (error: unknown): boolean => foreignKeyViolations.has(sqlStateOf(error))

/** Upper bound in ms of the random delay before attempt 2. It grows with each attempt. */
const maxBackoffMs = 20

/**
 * Runs `work`, and retries it after a conflict with another transaction. `work` must be a whole transaction or savepoint.
 * @param attempts maximum number of runs, including the first
 * @param isRetryable whether to retry after an error; default {@link isConflict}
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
      await sleep(Math.random() * maxBackoffMs * attempt)
    }
  }
}
