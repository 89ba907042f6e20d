import { createHash } from 'node:crypto'
import type { ProblemBody, ProblemCode } from '@clientele/contracts/problem'
import { QueryTypes } from 'sequelize'
import type { Db } from '../data/db.ts'
import { withTransaction } from '../data/transaction.ts'
import { currentContext, withContext } from '../runtime/context.ts'
import { Problem } from '../runtime/problem.ts'
import type { Result } from './response.ts'

/** The time for which a response can be replayed. */
const retentionHours = 24

type Request = { key: string; actorId: string; operationId: string; fingerprint: string }
/** The result of the handler, or the problem that it threw. */
type Outcome = Result | Problem
type Stored = { fingerprint: string; status: number; headers: Record<string, string>; body: unknown }

/** Sorts the keys of objects, whose order means nothing in JSON, and leaves out passwords, which could be guessed from a hash. */
const canonical = (name: string, value: unknown): unknown => {
  if (name === 'password') return undefined
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Hashes a request, without passwords and whatever the order of its keys. If a key is used again with another fingerprint, it is used for another request. */
export const fingerprintOf = (...parts: unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts, canonical)).digest('base64url')

/** Whether a retry of the request would get the same response. */
const isFinal = ({ status }: Problem): boolean => status < 500 && status !== 429

const replay = (stored: Stored, fingerprint: string): Outcome => {
  if (stored.fingerprint !== fingerprint)
    throw new Problem('idempotency_mismatch', {
      detail: 'this Idempotency-Key was used for a request with another path or body',
    })
  const headers = { ...stored.headers, 'Idempotency-Replayed': 'true' }
  if (stored.status >= 400) return problemOf(stored.body as ProblemBody, headers)
  return { status: stored.status, headers, body: stored.body ?? undefined }
}

const problemOf = (body: ProblemBody, headers: Record<string, string>): Problem => {
  const { type: _type, title: _title, status: _status, code, detail, errors, ...extra } = body
  return new Problem(code as ProblemCode, { headers, extra, ...(detail && { detail }), ...(errors && { errors }) })
}

const toStored = (outcome: Outcome): { status: number; headers: Record<string, string>; body?: unknown } =>
  outcome instanceof Problem
    ? { status: outcome.status, headers: outcome.options.headers ?? {}, body: outcome.toBody() }
    : outcome

/**
 * Runs `work` once per key, actor and operation (draft-ietf-httpapi-idempotency-key-header). The change, its events and the
 * stored response commit in one transaction, so a crash leaves all of them or nothing. Responses below 500 are stored, but not 429;
 * server errors are not. `Db.transaction` and `Db.query` inside `work` join the transaction.
 * `onKept` gets the size of a response that is stored.
 * @throws Problem 409 `idempotency_running` while the first request runs, 422 `idempotency_mismatch` for another request
 */
export const runIdempotent = async (
  db: Db,
  request: Request,
  work: () => Promise<Result>,
  onKept?: (bytes: number) => void,
): Promise<Result> => {
  const scope = [request.actorId, request.operationId, request.key]
  const outcome = await withTransaction(db, async (tx): Promise<Outcome> => {
    const lock = await db.query<{ locked: boolean }>(
      'select try_lock($1) as locked',
      [`idempotency\n${scope.join('\n')}`],
      { tx, name: 'idempotency_lock' },
    )
    if (!lock[0]?.locked) throw new Problem('idempotency_running', { headers: { 'Retry-After': '1' } })
    const found = await db.query<Stored>(
      `select fingerprint, status, headers, body from idempotency_keys
       where actor_id = $1 and operation_id = $2 and key = $3 and created_at > now() - make_interval(hours => $4)`,
      [...scope, retentionHours],
      { tx, name: 'idempotency_find' },
    )
    if (found[0]) return replay(found[0], request.fingerprint)

    await db.query('savepoint work', [], { tx })
    const context = currentContext()
    const outcome = await (context
      ? withContext({ ...context, transaction: { schema: db.schema, tx } }, work)
      : work()
    ).catch(async (error: unknown): Promise<Outcome> => {
      if (!(error instanceof Problem) || !isFinal(error)) throw error
      await db.query('rollback to savepoint work', [], { tx })
      return error
    })
    const { status, headers, body } = toStored(outcome)
    const json = body === undefined ? null : JSON.stringify(body)
    onKept?.(json?.length ?? 0)
    await db.query(
      `insert into idempotency_keys (actor_id, operation_id, key, fingerprint, status, headers, body) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (actor_id, operation_id, key) do update set fingerprint = excluded.fingerprint, status = excluded.status,
         headers = excluded.headers, body = excluded.body, created_at = now()`,
      [...scope, request.fingerprint, status, headers, json],
      { tx, name: 'idempotency_keep' },
    )
    return outcome
  })
  if (outcome instanceof Problem) throw outcome
  return outcome
}

/** Removes expired responses, at most 5,000 per call. */
export const removeExpiredKeys = async (db: Db): Promise<void> => {
  await db.sequelize.query(
    `delete from idempotency_keys where ctid in (
       select ctid from idempotency_keys where created_at < now() - make_interval(hours => $1) limit 5000)`,
    { bind: [retentionHours], type: QueryTypes.RAW },
  )
}
