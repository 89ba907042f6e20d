import { createHash } from 'node:crypto'
import type { ProblemBody, ProblemCode } from '@clientele/contracts/problem'
import { QueryTypes } from 'sequelize'
import type { Db } from '../data/db.ts'
import { inTransaction } from '../data/transaction.ts'
import { currentContext, withContext } from '../runtime/context.ts'
import { Problem } from '../runtime/problem.ts'
import type { Result } from './response.ts'

/** How long an answer is kept. */
const idempotencyHours = 24

type Request = { key: string; actorId: string; operationId: string; fingerprint: string }
/** An answer of the handler, or what it refused with. */
type Outcome = Result | Problem
type Stored = { fingerprint: string; status: number; headers: Record<string, string>; body: unknown }

// A hash of a short password could be guessed from the stored fingerprint.
const withoutPasswords = (key: string, value: unknown): unknown => (key === 'password' ? undefined : value)

/** A fingerprint of what a request asks for, passwords left out. */
export const fingerprintOf = (...parts: unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts, withoutPasswords)).digest('base64url')

const replay = (stored: Stored, fingerprint: string): Outcome => {
  if (stored.fingerprint !== fingerprint)
    throw new Problem('idempotency_mismatch', {
      detail: 'this Idempotency-Key was used for a request with another body or address',
    })
  const headers = { ...stored.headers, 'Idempotency-Replayed': 'true' }
  if (stored.status >= 400) return problemOf(stored.body as ProblemBody, headers)
  return { status: stored.status, headers, body: stored.body ?? undefined }
}

const problemOf = (body: ProblemBody, headers: Record<string, string>): Problem => {
  const { type: _type, title: _title, status: _status, code, detail, errors, ...extra } = body
  return new Problem(code as ProblemCode, { headers, extra, ...(detail && { detail }), ...(errors && { errors }) })
}

const storable = (outcome: Outcome): { status: number; headers: Record<string, string>; body?: unknown } =>
  outcome instanceof Problem
    ? { status: outcome.status, headers: outcome.options.headers ?? {}, body: outcome.toBody() }
    : outcome

/**
 * Runs `work` once per key, actor and operation, after draft-ietf-httpapi-idempotency-key-header: the key's row, the change,
 * its events and the stored answer commit in one transaction, so a crash leaves all of them or nothing. Answers up to 499
 * are stored, faults of ours are not. `Db.transaction` and `Db.query` inside `work` join the transaction.
 * @throws Problem 409 `idempotency_running` while the first request runs, 422 `idempotency_mismatch` for another request
 */
export const once = async (db: Db, request: Request, work: () => Promise<Result>): Promise<Result> => {
  const scope = [request.actorId, request.operationId, request.key]
  const outcome = await inTransaction(db, async (tx): Promise<Outcome> => {
    const lock = await db.query<{ locked: boolean }>(
      `select pg_try_advisory_xact_lock(hashtextextended($1, 0)) as locked`,
      [`${db.schema}\n${scope.join('\n')}`],
      { tx, name: 'idempotency_lock' },
    )
    if (!lock[0]?.locked) throw new Problem('idempotency_running', { headers: { 'Retry-After': '1' } })
    const found = await db.query<Stored>(
      `select fingerprint, status, headers, body from idempotency_keys
       where actor_id = $1 and operation_id = $2 and key = $3 and created_at > now() - make_interval(hours => $4)`,
      [...scope, idempotencyHours],
      { tx, name: 'idempotency_find' },
    )
    if (found[0]) return replay(found[0], request.fingerprint)

    await db.query('savepoint work', [], { tx })
    const context = currentContext()
    const outcome = await (context
      ? withContext({ ...context, transaction: { schema: db.schema, tx } }, work)
      : work()
    ).catch(async (error: unknown): Promise<Outcome> => {
      if (!(error instanceof Problem) || error.status >= 500) throw error
      await db.query('rollback to savepoint work', [], { tx })
      return error
    })
    const { status, headers, body } = storable(outcome)
    await db.query(
      `insert into idempotency_keys (actor_id, operation_id, key, fingerprint, status, headers, body) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (actor_id, operation_id, key) do update set fingerprint = excluded.fingerprint, status = excluded.status,
         headers = excluded.headers, body = excluded.body, created_at = now()`,
      [...scope, request.fingerprint, status, headers, body === undefined ? null : JSON.stringify(body)],
      { tx, name: 'idempotency_keep' },
    )
    return outcome
  })
  if (outcome instanceof Problem) throw outcome
  return outcome
}

/** Removes answers that are no longer kept, at most 5,000 a call. */
export const forgetOldKeys = async (db: Db): Promise<void> => {
  await db.sequelize.query(
    `delete from idempotency_keys where ctid in (
       select ctid from idempotency_keys where created_at < now() - make_interval(hours => $1) limit 5000)`,
    { bind: [idempotencyHours], type: QueryTypes.RAW },
  )
}
