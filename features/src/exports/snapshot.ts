import type { DatabaseConfig } from '@clientele/platform/data/database-config'
import { createDb, type Db, type Tx } from '@clientele/platform/data/db'

type Config = DatabaseConfig & { exportMaxSeconds: number; jobsPerReplica: number }

/** Connections for snapshots alone: a statement of theirs may take as long as an export. Connects when one is begun. */
export const createSnapshotDb = (config: Config, schema: string): Db =>
  createDb(
    { ...config, databasePoolMax: config.jobsPerReplica, statementTimeoutMs: config.exportMaxSeconds * 1000 },
    schema,
  )

const mostRows = 1_000
const fewestRows = 20
const batchBytes = 1 << 20

// Fewer of rows that are long: what is held is bytes, not rows.
const nextCount = (rows: readonly object[]): number => {
  const sample = rows.slice(0, 10)
  const bytes = sample.reduce((sum, row) => sum + JSON.stringify(row).length, 0) / sample.length
  return Math.max(fewestRows, Math.min(mostRows, Math.floor(batchBytes / bytes)))
}

/** An open snapshot; `estimate` is how many rows the planner expects. */
export type Snapshot<Row> = { tx: Tx; estimate: number; batches: AsyncIterable<Row[]> }

/**
 * Reads the rows of one statement as they are at one moment, a batch at a time, whatever is written meanwhile: one transaction
 * of isolation level repeatable read with a cursor, which ends with `work`.
 */
export const withSnapshot = <Row extends object, T>(
  db: Db,
  { sql, values }: { sql: string; values: unknown[] },
  work: (snapshot: Snapshot<Row>) => Promise<T>,
): Promise<T> =>
  db.transaction(async (tx) => {
    await db.query('set transaction isolation level repeatable read, read only', [], { tx })
    // All rows are wanted, and not the first ones soon.
    await db.query('set local cursor_tuple_fraction = 1', [], { tx })
    const [plan] = await db.query<{ 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] }>(
      `explain (format json) ${sql}`,
      values,
      { tx },
    )
    await db.query(`declare export no scroll cursor for ${sql}`, values, { tx })
    const fetch = (count: number): Promise<Row[]> => db.query<Row>(`fetch forward ${count} from export`, [], { tx })
    async function* batches(): AsyncGenerator<Row[]> {
      for (let rows = await fetch(fewestRows); rows.length > 0; rows = await fetch(nextCount(rows))) yield rows
    }
    return work({ tx, estimate: plan?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0, batches: batches() })
  })
