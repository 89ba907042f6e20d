import type { DatabaseConfig } from '@clientele/platform/data/database-config'
import { createDb, type Db, type Tx } from '@clientele/platform/data/db'

type Config = DatabaseConfig & { exportMaxSeconds: number; jobsPerReplica: number }

/** Creates a connection pool for snapshots, whose statements may take as long as an export. It connects on first use. */
export const createSnapshotDb = (config: Config, schema: string): Db =>
  createDb(
    { ...config, databasePoolMax: config.jobsPerReplica, statementTimeoutMs: config.exportMaxSeconds * 1000 },
    schema,
  )

const maxRows = 1_000
const minRows = 20
const batchBytes = 1 << 20

/** Returns the number of rows to fetch next: fewer if rows are long, to bound the memory of a batch. */
const nextBatchRows = (rows: readonly object[]): number => {
  const sample = rows.slice(0, 10)
  const bytes = sample.reduce((sum, row) => sum + JSON.stringify(row).length, 0) / sample.length
  return Math.max(minRows, Math.min(maxRows, Math.floor(batchBytes / bytes)))
}

/** An open snapshot. `estimate` is the planner's estimate of the number of rows. */
export type Snapshot<Row> = { tx: Tx; estimate: number; batches: AsyncIterable<Row[]> }

/**
 * Reads the rows of a statement in batches, all from the same snapshot: a cursor in a REPEATABLE READ transaction, which ends when
 * `work` does.
 */
export const withSnapshot = <Row extends object, T>(
  db: Db,
  { sql, values }: { sql: string; values: unknown[] },
  work: (snapshot: Snapshot<Row>) => Promise<T>,
): Promise<T> =>
  db.transaction(async (tx) => {
    await db.query('set transaction isolation level repeatable read, read only', [], { tx })
    // The planner then optimises for reading all rows instead of returning the first ones quickly.
    await db.query('set local cursor_tuple_fraction = 1', [], { tx })
    const [plan] = await db.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
      `explain (format json) ${sql}`,
      values,
      { tx },
    )
    await db.query(`declare export no scroll cursor for ${sql}`, values, { tx })
    const fetch = (count: number): Promise<Row[]> => db.query<Row>(`fetch forward ${count} from export`, [], { tx })
    async function* batches(): AsyncGenerator<Row[]> {
      for (let rows = await fetch(minRows); rows.length > 0; rows = await fetch(nextBatchRows(rows))) yield rows
    }
    return work({ tx, estimate: plan?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0, batches: batches() })
  })
