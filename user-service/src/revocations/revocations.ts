import { maxKeptSessions, type Revocation } from '@clientele/contracts/revocation'
import { secondsAgo } from '@clientele/platform/data/database-time'
import type { Db, Tx } from '@clientele/platform/data/db'
import { Op } from 'sequelize'
import type { Models } from '../models.ts'

const retentionSeconds = 86_400
/** A revocation of the future counts as one of now. Clocks may differ by this much. */
const clockSkew = "interval '5 seconds'"

/**
 * Revokes the tokens of these users that were issued in the second of `notBefore` or earlier, in the transaction of the change.
 * Tokens of `keptSessions` stay valid.
 */
export const revokeTokens = async (
  db: Db,
  tx: Tx,
  userIds: string[],
  notBefore: Date,
  keptSessions: string[] = [],
): Promise<void> => {
  await db.query(
    `insert into revocations as old (user_id, not_before, kept_sessions, kept_for)
       select user_id, at, $3::text[], at
       from unnest($1::text[]) as user_id, least($2::timestamptz(3), clock_timestamp()::timestamptz(3) + ${clockSkew}) as at
     on conflict (user_id) do update set
       not_before = greatest(old.not_before, excluded.not_before),
       kept_sessions = case
         when excluded.not_before < old.not_before then old.kept_sessions
         when old.kept_for = excluded.not_before
           then array(select distinct id from unnest(old.kept_sessions || excluded.kept_sessions) as id limit ${maxKeptSessions})
         else excluded.kept_sessions end,
       kept_for = case when excluded.not_before < old.not_before then old.kept_for else excluded.kept_for end,
       changed_at = clock_timestamp()`,
    [userIds, notBefore, keptSessions.slice(0, maxKeptSessions)],
    { tx },
  )
}

type Partial = { userId: string | null; sessionId: string | null; role: string | null; notBefore: Date }

const keyOf = ({ userId, sessionId, role }: Partial): string =>
  sessionId === null ? `role:${role}:${userId}` : `session:${sessionId}`

/** @returns how many of the revocations are new, or tell whose session it was */
const revokePartially = async (db: Db, tx: Tx | undefined, rows: Partial[]): Promise<number> => {
  const changed = await db.query<object>(
    `insert into partial_revocations as old (key, user_id, session_id, role, not_before)
       select key, user_id, session_id, role, least(at, clock_timestamp() + ${clockSkew})
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) as row (key, user_id, session_id, role, at)
     on conflict (key) do update set
       user_id = excluded.user_id, not_before = greatest(old.not_before, excluded.not_before), changed_at = clock_timestamp()
       where (old.user_id is null and excluded.user_id is not null) or old.role is not null
     returning key`,
    [
      rows.map(keyOf),
      rows.map(({ userId }) => userId),
      rows.map(({ sessionId }) => sessionId),
      rows.map(({ role }) => role),
      rows.map(({ notBefore }) => notBefore),
    ],
    { tx },
  )
  return changed.length
}

/**
 * Stores revocations of users, sessions and roles.
 * @returns whether any of them was not stored before
 */
export const storeRevocations = async (db: Db, tx: Tx, revocations: Revocation[]): Promise<boolean> => {
  const partial = revocations.filter(({ sessionId, role }) => sessionId !== undefined || role !== undefined)
  const rows = partial.map(({ userId = null, sessionId = null, role = null, notBefore }) => ({
    userId,
    sessionId,
    role,
    notBefore: new Date(notBefore),
  }))
  const byKey = new Map(rows.map((row) => [keyOf(row), row]))
  const changes = byKey.size === 0 ? 0 : await revokePartially(db, tx, [...byKey.values()])
  const whole = revocations.filter((revocation) => !partial.includes(revocation))
  for (const { userId, notBefore, keptSessions } of whole)
    if (userId !== undefined) await revokeTokens(db, tx, [userId], new Date(notBefore), keptSessions)
  return changes + whole.length > 0
}

/** Revokes the tokens of a session that nobody knows the user of. It is stored at once, in no transaction. */
export const revokeUnknownSession = async (db: Db, sessionId: string, at: Date): Promise<void> => {
  await revokePartially(db, undefined, [{ userId: null, sessionId, role: null, notBefore: at }])
}

/** Deletes revocations that are older than any valid access token. */
export const cleanupRevocations = async ({
  revocations,
  partialRevocations,
}: Pick<Models, 'revocations' | 'partialRevocations'>): Promise<void> => {
  const where = { changedAt: { [Op.lt]: secondsAgo(retentionSeconds) } }
  await revocations.destroy({ where })
  await partialRevocations.destroy({ where })
}
