import { maxRevocationsPerPage, type Revocation, type Revocations } from '@clientele/contracts/revocation'
import type { Db } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import type { z } from 'zod'

type Row = {
  userId: string | null
  notBefore: Date
  sessionId: string | null
  role: string | null
  keptSessions: string[]
  changedAt: Date
  key: string
}

const firstKey = ''

const toRevocation = ({ userId, sessionId, role, keptSessions, notBefore }: Row): Revocation => ({
  ...(userId !== null && { userId }),
  ...(sessionId !== null && { sessionId }),
  ...(role !== null && { role }),
  ...(keptSessions.length > 0 && { keptSessions }),
  notBefore: notBefore.toISOString(),
})

/** `<milliseconds>.<key>`: the position after a row. */
const cursorOf = ({ changedAt, key }: Row): string => `${changedAt.getTime()}.${key}`

/** @throws Problem 400 for a text that is no cursor */
const parseCursor = (cursor: string): { at: Date; key: string } => {
  const [, ms, key] = /^(\d{1,15})\.(.{1,300})$/.exec(cursor) ?? []
  if (ms === undefined || key === undefined)
    throw new Problem('invalid_parameter', { detail: 'after must be the next of a page' })
  return { at: new Date(Number(ms)), key }
}

/**
 * Reads a page of the revocations that were stored or changed since `since`, oldest first. One that is changed meanwhile moves to
 * a later page, so none is missed.
 */
export const readRevocations = async (
  db: Db,
  since: Date,
  limit: number,
  after?: string,
): Promise<z.infer<typeof Revocations>> => {
  const { at, key } = after === undefined ? { at: since, key: firstKey } : parseCursor(after)
  const rows = await db.query<Row>(
    `(select user_id as "userId", not_before as "notBefore", null as "sessionId", null as role,
         case when kept_for = not_before then kept_sessions else '{}' end as "keptSessions",
         changed_at as "changedAt", 'user:' || user_id as key
       from revocations where changed_at >= $1 and (changed_at, 'user:' || user_id) > ($1, $2)
       order by changed_at, key limit $3)
     union all
     (select user_id, not_before, session_id, role, '{}', changed_at, key
       from partial_revocations where changed_at >= $1 and (changed_at, key) > ($1, $2)
       order by changed_at, key limit $3)
     order by "changedAt", key limit $3`,
    [at, key, limit + 1],
  )
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { data: page.map(toRevocation), ...(rows.length > limit && last && { next: cursorOf(last) }) }
}

/** The revocations as earlier versions of the gateway understand them: a time for each user, newest first. */
export const readRevocationsByUser = async (db: Db, since: Date): Promise<z.infer<typeof Revocations>> => {
  const rows = await db.query<{ userId: string; notBefore: Date }>(
    `select user_id as "userId", max(not_before) as "notBefore" from (
         select user_id, not_before, changed_at from revocations where changed_at >= $1
         union all
         select user_id, not_before, changed_at from partial_revocations where changed_at >= $1 and user_id is not null) as rows
       group by user_id order by max(changed_at) desc limit $2`,
    [since, maxRevocationsPerPage],
  )
  return { data: rows.map(({ userId, notBefore }) => ({ userId, notBefore: notBefore.toISOString() })) }
}
