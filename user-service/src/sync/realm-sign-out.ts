import type { ActorRef } from '@clientele/contracts/fields'
import type { Db, Tx } from '@clientele/platform/data/db'
import { selectList } from '@clientele/platform/data/select-list'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { Op } from 'sequelize'
import type { Models } from '../models.ts'
import { ofUser } from '../revocations/lost-access.ts'
import { revokeTokens } from '../revocations/revocations.ts'
import { presentUser, type UserRow } from '../users/user.presenter.ts'
import { signedOutEvent } from '../users/user-change.ts'

const batchSize = 500
const watermarkName = 'realm-not-before'

export type RealmSignOut = ReturnType<typeof createRealmSignOut>

/**
 * Handles "sign out all active sessions" and a new `notBefore` of the realm. Every user with a known session is signed out:
 * tokens are revoked and `user.signed_out.v1` is published.
 */
export const createRealmSignOut = ({ db, models }: { db: Db; models: Models }) => {
  /** Stores the realm's `notBefore`. Returns false unless it is later than the stored one: it comes with every save of the realm. */
  const advanceNotBefore = async (tx: Tx, notBefore: number): Promise<boolean> => {
    const advanced = await db.query<object>(
      `insert into watermarks (name, at) values ($1, $2)
       on conflict (name) do update set at = excluded.at where watermarks.at < excluded.at returning 1`,
      [watermarkName, notBefore],
      { tx },
    )
    return advanced.length > 0
  }

  /** Marks the next users as signed out, in the order of their ids, and returns them. */
  const signOutNextUsers = (tx: Tx, after: string, at: Date): Promise<(UserRow & { id: string })[]> =>
    db.query<UserRow>(
      `update users set signed_out_at = $2 where id in (
         select id from users where id > $1 and deleted_at is null and (signed_out_at is null or signed_out_at < $2)
           and exists (select 1 from sign_ins where user_id = users.id and at <= $2 + interval '1 second')
         order by id limit $3 for update)
       returning ${selectList(models.users)}`,
      [after, at, batchSize],
      { tx },
    )

  /** Keeps the sessions of sign-ins that came after the event, but in the second of `at`. Later ones are kept when they are read. */
  const keepLaterSessions = async (tx: Tx, at: Date, eventAt: number): Promise<void> => {
    const where = { at: { [Op.gt]: new Date(eventAt), [Op.lt]: new Date(at.getTime() + 1_000) } }
    const later = await models.signIns.findAll({ where, transaction: tx })
    for (const { userId, sessionId } of later) await revokeTokens(db, tx, [userId], at, [sessionId])
  }

  return {
    /** @param given the realm's `notBefore` in seconds since 1970; it counts as the event's time, `eventAt` (ms), if it is later */
    apply: async (tx: Tx, given: number, eventAt: number, actor: ActorRef): Promise<void> => {
      const notBefore = Math.min(given, Math.floor(eventAt / 1_000))
      if (!(await advanceNotBefore(tx, notBefore))) return
      const at = new Date(notBefore * 1000)
      for (let after = ''; ; ) {
        const rows = await signOutNextUsers(tx, after, at)
        if (rows.length === 0) break
        const ids = rows.map(({ id }) => id).sort()
        after = ids.at(-1) ?? after
        await revokeTokens(db, tx, ids, at)
        await outbox.add(
          tx,
          ...rows.map((row) => signedOutEvent(presentUser(row), actor, [ofUser(row.id, at.getTime())])),
        )
      }
      await keepLaterSessions(tx, at, eventAt)
      await models.signIns.destroy({ where: { at: { [Op.lt]: at } }, transaction: tx })
    },
  }
}
