import type { Db, Tx } from '@clientele/platform/data/db'

const keptHours = 24
/** The contract's limit; who reads asks again from the last `changedAt`. */
const maxRows = 10_000

type Row = { userId: string; notBefore: Date }

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
export const recentRevocations = async (db: Db, since: Date): Promise<{ userId: string; notBefore: string }[]> => {
  const rows = await db.query<Row>(
    `select user_id as "userId", not_before as "notBefore" from revocations where changed_at >= $1 order by changed_at desc limit $2`,
    [since, maxRows],
  )
  return rows.map(({ userId, notBefore }) => ({ userId, notBefore: notBefore.toISOString() }))
}

/** Removes what no living token can need. */
export const forgetOldRevocations = async (db: Db): Promise<void> => {
  await db.query(`delete from revocations where changed_at < now() - make_interval(hours => $1)`, [keptHours])
}
