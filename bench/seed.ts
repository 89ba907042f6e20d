import pg from 'pg'
import { asAdmin } from './backends.ts'

/** `steps` follow each other; the statements of one run side by side. */
export type Seeding = { schema: string; tables: string[]; steps: string[][] }

/** Each statement on whichever connection is free next. */
const sideBySide = async (connections: readonly pg.Client[], statements: readonly string[]): Promise<void> => {
  const left = [...statements]
  const lane = async (connection: pg.Client) => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await connection.query(next)
  }
  await Promise.all(connections.map(lane))
}

// The indexes of text take as long as all others: they are begun first.
const indexesOf = (
  tables: string[],
) => `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition
from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam
where indrelid in (${tables.map((table) => `'${table}'::regclass`).join(', ')})
  and not exists (select from pg_constraint where conindid = indexrelid)
order by amname = 'gin' desc`

/** Fills tables of a service's own database at `url` with many rows: their indexes are built afterwards. */
export const seed = async (url: string, { schema, tables, steps }: Seeding): Promise<void> => {
  const { username } = new URL(url)
  const options = `-c search_path=${schema},public -c maintenance_work_mem=512MB -c synchronous_commit=off`
  const open = () => new pg.Client({ connectionString: asAdmin(url), query_timeout: 240_000, options })
  const [client, second] = [open(), open()]
  const both = [client, second]
  await Promise.all(both.map((connection) => connection.connect()))
  try {
    // The rows are their own proof: checking a million foreign keys one by one would double the time.
    for (const connection of both) await connection.query('set session_replication_role = replica')
    const indexes = await client.query<{ name: string; definition: string }>(indexesOf(tables))
    for (const { name } of indexes.rows) await client.query(`drop index ${name}`)
    for (const step of steps) await sideBySide(both, step)
    await sideBySide(
      both,
      indexes.rows.map(({ definition }) => definition),
    )
    for (const table of tables) await client.query(`alter table ${table} owner to ${username}`)
    await sideBySide(
      both,
      tables.map((table) => `vacuum (analyze) ${table}`),
    )
  } finally {
    await Promise.all(both.map((connection) => connection.end()))
  }
}
