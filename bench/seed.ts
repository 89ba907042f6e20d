import pg from 'pg'
import { adminUrl } from './postgres-backends.ts'

/** `steps` run one after the other, the statements of a step concurrently. */
export type SeedPlan = { schema: string; tables: string[]; steps: string[][] }

/** Runs each statement on the next free connection. */
const runConcurrently = async (connections: readonly pg.Client[], statements: readonly string[]): Promise<void> => {
  const remaining = [...statements]
  const runNext = async (connection: pg.Client) => {
    for (let next = remaining.shift(); next !== undefined; next = remaining.shift()) await connection.query(next)
  }
  await Promise.all(connections.map(runNext))
}

// GIN indexes take as long as all others together, so they are built first.
const indexesQuery = (
  tables: string[],
) => `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
where indrelid in (${tables.map((table) => `'${table}'::regclass`).join(', ')})
  and not exists (select from pg_constraint where conindid = indexrelid)
order by amname = 'gin' desc`

/** Fills tables of the service database at `url`. Indexes are dropped before and built again afterwards. */
export const seed = async (url: string, { schema, tables, steps }: SeedPlan): Promise<void> => {
  const options = `-c search_path=${schema},public -c maintenance_work_mem=512MB -c synchronous_commit=off`
  const open = () => new pg.Client({ connectionString: adminUrl(url), query_timeout: 240_000, options })
  const [client, second] = [open(), open()]
  const both = [client, second]
  await Promise.all(both.map((connection) => connection.connect()))
  try {
    // Turns foreign key checks off: a million of them would double the time.
    for (const connection of both) await connection.query('set session_replication_role = replica')
    const indexes = await client.query<{ name: string; definition: string }>(indexesQuery(tables))
    for (const { name } of indexes.rows) await client.query(`drop index ${name}`)
    for (const step of steps) await runConcurrently(both, step)
    await runConcurrently(
      both,
      indexes.rows.map(({ definition }) => definition),
    )
    await runConcurrently(
      both,
      tables.map((table) => `vacuum (analyze) ${table}`),
    )
  } finally {
    await Promise.all(both.map((connection) => connection.end()))
  }
}
