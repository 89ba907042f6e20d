import type { Db, Tx } from '@clientele/platform/data/db'
import { databaseOf } from '@clientele/platform/data/transaction'
import { deletedUserName } from '@clientele/platform/data/user-names'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'

/** Columns that hold the id and the name of a user. `key` is a UUID column with an index, by which the table is read in portions. */
export type NameColumns = { table: string; key: string; id: string; name: string }

/** The names of a record's stamps. */
export const stampNames = (table: string): NameColumns[] =>
  ['created_by', 'updated_by'].map((id) => ({ table, key: 'id', id, name: `${id}_name` }))
/** The names in the tables of jobs and imports. */
export const jobNames: NameColumns[] = [
  { table: 'jobs', key: 'id', id: 'owner_id', name: 'owner_name' },
  { table: 'imports', key: 'id', id: 'created_by', name: 'created_by_name' },
]

const intervalMs = 1_000
const rowsPerStatement = 5_000
// A request that was being handled when its user was deleted may still store the name. The second pass finds it.
const secondPassMinutes = 2

const selectNext = `select user_id as "userId", part, after_key as "afterKey", passes from names_to_erase
  where run_at <= clock_timestamp() order by run_at limit 1 for update skip locked`
const selectLastKey = ({ table, key }: NameColumns) =>
  `with portion as (
    select ${key} from ${table} where $1::uuid is null or ${key} > $1::uuid order by ${key} limit ${rowsPerStatement})
  select (select ${key} from portion order by ${key} desc limit 1) as key, count(*)::int as rows from portion`
const erase = ({ table, key, id, name }: NameColumns) =>
  `update ${table} set ${name} = $4 where ${id} = $1 and ${name} <> $4 and ($2::uuid is null or ${key} > $2::uuid) and ${key} <= $3::uuid`
const advance = `update names_to_erase set part = $2, after_key = $3 where user_id = $1`
const startSecondPass = `update names_to_erase set part = 0, after_key = null, passes = passes + 1,
  run_at = clock_timestamp() + make_interval(mins => ${secondPassMinutes}) where user_id = $1`

type Erasure = { userId: string; part: number; afterKey: string | null; passes: number }

/** Adds a deleted user, whose stored names are erased after the commit. */
export const queueErasure = async (userId: string, tx: Tx): Promise<void> => {
  const sql = 'insert into names_to_erase (user_id) values ($1) on conflict do nothing'
  await databaseOf(tx).query(sql, [userId], { tx })
}

/**
 * Creates a function that replaces the stored names of deleted users. Each transaction handles a portion of one table, so the work
 * can be interrupted and shared between replicas.
 */
export const createNameErasure = (db: Db, columns: readonly NameColumns[]) => {
  const erasePortion = async ({ userId, part, afterKey }: Erasure, tx: Tx): Promise<void> => {
    const current = columns[part]
    if (!current) return
    const [last] = await db.query<{ key: string | null; rows: number }>(selectLastKey(current), [afterKey], { tx })
    const key = last?.key ?? null
    if (key !== null) await db.query(erase(current), [userId, afterKey, key, deletedUserName], { tx })
    const hasMore = last?.rows === rowsPerStatement
    await db.query(advance, hasMore ? [userId, part, key] : [userId, part + 1, null], { tx })
  }

  const runOnce = (): Promise<boolean> =>
    db.transaction(async (tx) => {
      const [next] = await db.query<Erasure>(selectNext, [], { tx })
      if (!next) return false
      if (next.part < columns.length) await erasePortion(next, tx)
      else if (next.passes === 0) await db.query(startSecondPass, [next.userId], { tx })
      else await db.query('delete from names_to_erase where user_id = $1', [next.userId], { tx })
      return true
    })

  return async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted && (await runOnce()));
  }
}

/** Runs the erasure every second. If no user was deleted, a run costs one query on an empty table. */
export const nameErasureTask = (db: Db, log: Log, columns: readonly NameColumns[]): Task =>
  periodicTask({ name: 'name-erasure', intervalMs, log, runAtStart: true, run: createNameErasure(db, columns) })
