import { secondsAgo } from '@clientele/platform/data/database-time'
import type { Db, Tx } from '@clientele/platform/data/db'
import { Op } from 'sequelize'
import type { Revocations } from './revocation.model.ts'

const keptSeconds = 86_400
/** The contract's limit; who reads asks again from the last `changedAt`. */
const maxRows = 10_000

/** Records that tokens of these users issued up to `notBefore` are void, in the transaction of the change that makes them so. */
export const revoke = async (db: Db, tx: Tx, userIds: string[], notBefore: Date): Promise<void> => {
  await db.query(
    `insert into revocations (user_id, not_before) select unnest($1::text[]), $2
     on conflict (user_id) do update
       set not_before = greatest(revocations.not_before, excluded.not_before), changed_at = clock_timestamp()`,
    [userIds, notBefore],
    { tx },
  )
}

/** Those recorded since `since`, newest first. */
export const recentRevocations = async (
  revocations: Revocations,
  since: Date,
): Promise<{ userId: string; notBefore: string }[]> => {
  const rows = await revocations.findAll({
    where: { changedAt: { [Op.gte]: since } },
    order: [['changedAt', 'DESC']],
    limit: maxRows,
    raw: true,
  })
  return rows.map(({ userId, notBefore }) => ({ userId, notBefore: notBefore.toISOString() }))
}

/** Removes what no living token can need. */
export const cleanupRevocations = async (revocations: Revocations): Promise<void> => {
  await revocations.destroy({ where: { changedAt: { [Op.lt]: secondsAgo(keptSeconds) } } })
}
