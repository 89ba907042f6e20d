import type { ActorRef } from '@clientele/contracts/fields'
import type { Db, Tx } from '@clientele/platform/data/db'
import { selectList } from '@clientele/platform/data/select-list'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { Op } from 'sequelize'
import type { Models } from '../models.ts'
import { revoke } from '../users/revocations.ts'
import { presentUser, type UserRow } from '../users/user.presenter.ts'
import { signedOutEvent } from '../users/user-change.ts'

const batch = 500
const mark = 'realm-not-before'

export type EverybodySignedOut = ReturnType<typeof createEverybodySignedOut>

/** "Sign out all active sessions" and the realm's not-before: everybody who has signed in lately is signed out. */
export const createEverybodySignedOut = ({ db, models }: { db: Db; models: Models }) => {
  /** The realm's not-before comes with every save of the realm; only a later one says something. */
  const isNews = async (tx: Tx, notBefore: number): Promise<boolean> => {
    const news = await db.query<object>(
      `insert into watermarks (name, at) values ($1, $2)
       on conflict (name) do update set at = excluded.at where watermarks.at < excluded.at returning 1`,
      [mark, notBefore],
      { tx },
    )
    return news.length > 0
  }

  const next = (tx: Tx, after: string, at: Date): Promise<(UserRow & { id: string })[]> =>
    db.query<UserRow>(
      `update users set signed_out_at = $2 where id in (
         select id from users where id > $1 and deleted_at is null and (signed_out_at is null or signed_out_at < $2)
           and exists (select 1 from sign_ins where user_id = users.id and at <= $2 + interval '1 second')
         order by id limit $3 for update)
       returning ${selectList(models.users)}`,
      [after, at, batch],
      { tx },
    )

  return {
    /** @param notBefore seconds since 1970 */
    signedOut: async (tx: Tx, notBefore: number, actor: ActorRef): Promise<void> => {
      if (!(await isNews(tx, notBefore))) return
      const at = new Date(notBefore * 1000)
      for (let after = '', rows = await next(tx, after, at); rows.length > 0; rows = await next(tx, after, at)) {
        const ids = rows.map(({ id }) => id).sort()
        after = ids.at(-1) ?? after
        await revoke(db, tx, ids, at)
        await outbox.add(tx, ...rows.map((row) => signedOutEvent(presentUser(row), actor)))
      }
      await models.signIns.destroy({ where: { at: { [Op.lt]: at } }, transaction: tx })
    },
  }
}
