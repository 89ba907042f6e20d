import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import pg from 'pg'
import { from, to } from 'pg-copy-streams'

/**
 * A saved table. Its rows are in `<name>.copy.gz`, in PostgreSQL's COPY text format. A partition is saved as a table; `partition`
 * names the table that it is a part of, and its bounds as in `create table … partition of`.
 */
export type SavedTable = { name: string; columns: string[]; rows: number; partition?: Partition | undefined }
type Partition = { of: string; bounds: string }
export type SavedSequence = { name: string; lastValue: string; isCalled: boolean }
export type SavedSchema = { tables: SavedTable[]; sequences: SavedSequence[] }

/** Tables that are neither saved nor restored: migrations (a restore compares them) and the members of Keycloak's cluster. */
const bookkeeping = ['schema_migrations', 'databasechangelog', 'databasechangeloglock', 'jgroups_ping']
/** Tables that migrations fill, so that their rows do not show that an installation is in use. */
const filledByMigrations = ['head']
/** Keycloak's sessions are not saved: a restore must not revive a session that has ended, so it signs everybody out. */
const transient = ['offline_user_session', 'offline_client_session']

const selectTables = `select c.relname as name, array_agg(a.attname order by a.attnum)::text[] as columns,
  case when c.relispartition then json_build_object(
    'of', (select parent.relname from pg_inherits join pg_class parent on parent.oid = inhparent where inhrelid = c.oid),
    'bounds', pg_get_expr(c.relpartbound, c.oid)) end as partition
from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and c.relname <> all ($1)
  and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
group by c.oid, c.relname, c.relispartition, c.relpartbound order by c.relname`

/** The bounds of a month or a day, and of a list of values. */
const knownBounds = /^FOR VALUES (FROM \('[\d :+.-]+'\) TO \('[\d :+.-]+'\)|IN \('\w+'(, '\w+')*\))$/

const selectSequences = `select relname as name from pg_class
where relnamespace = current_schema()::regnamespace and relkind = 'S' order by relname`

const selectForeignKeys = `select conrelid::regclass::text as table, conname as name, pg_get_constraintdef(oid) as definition
from pg_constraint where contype = 'f' and connamespace = current_schema()::regnamespace and conparentid = 0`

const columnList = (names: string[]): string => names.map((name) => pg.escapeIdentifier(name)).join(', ')

type Table = { name: string; columns: string[]; partition: Partition | null }

/** The tables of the connection's schema with their columns, except generated columns. */
const readTables = async (client: pg.Client): Promise<Table[]> =>
  (await client.query<Table>(selectTables, [bookkeeping])).rows

/** Saves all rows of the connection's schema, as its transaction sees them, to files in `folder`. */
export const saveRows = async (client: pg.Client, folder: string): Promise<SavedSchema> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const tables: SavedTable[] = []
  for (const { name, columns, partition } of await readTables(client)) {
    if (transient.includes(name)) continue
    const rows = client.query(to(`copy ${pg.escapeIdentifier(name)} (${columnList(columns)}) to stdout`))
    await pipeline(
      rows,
      createGzip({ level: 6 }),
      createWriteStream(fileOf(folder, name), { flags: 'wx', mode: 0o600 }),
    )
    tables.push({ name, columns, rows: rows.rowCount, ...(partition && { partition }) })
  }
  // After the rows: snapshots do not cover sequences, and a sequence must not be behind the saved rows.
  const sequences: SavedSequence[] = []
  for (const { name } of (await client.query<{ name: string }>(selectSequences)).rows) {
    const sql = `select last_value::text as "lastValue", is_called as "isCalled" from ${pg.escapeIdentifier(name)}`
    const [row] = (await client.query<Omit<SavedSequence, 'name'>>(sql)).rows
    if (row) sequences.push({ name, ...row })
  }
  return { tables, sequences }
}

export const fileOf = (folder: string, table: string): string => join(folder, `${table}.copy.gz`)

/** Creates the saved partitions that do not exist. Migrations create only those of the month in which they run. */
const createPartitions = async (client: pg.Client, { tables }: SavedSchema): Promise<void> => {
  const present = (await readTables(client)).map(({ name }) => name)
  for (const { name, partition } of tables) {
    if (!partition || present.includes(name)) continue
    if (!knownBounds.test(partition.bounds)) throw new Error(`the partition ${name} has unknown bounds`)
    const parent = pg.escapeIdentifier(partition.of)
    await client.query(`create table ${pg.escapeIdentifier(name)} partition of ${parent} ${partition.bounds}`)
  }
}

/**
 * Replaces all rows of the schema by the saved ones, in the connection's transaction. Foreign keys are dropped and created
 * again, so that tables can be loaded in any order and all keys are checked.
 * @throws Error if the schema does not have a saved table or column
 */
export const loadRows = async (client: pg.Client, folder: string, saved: SavedSchema): Promise<void> => {
  await createPartitions(client, saved)
  const present = new Map((await readTables(client)).map((table) => [table.name, table]))
  for (const { name, columns } of saved.tables) {
    const missing = columns.filter((column) => !present.get(name)?.columns.includes(column))
    if (missing.length > 0) throw new Error(`the table ${name} does not have the columns ${missing.join(', ')}`)
  }
  const keys = (await client.query<{ table: string; name: string; definition: string }>(selectForeignKeys)).rows
  for (const { table, name } of keys)
    await client.query(`alter table ${table} drop constraint ${pg.escapeIdentifier(name)}`)
  await client.query(`truncate ${columnList([...present.keys()])}`)
  for (const { name, columns, rows } of saved.tables) {
    const table = pg.escapeIdentifier(name)
    // Rows that triggers write were saved as well, so triggers must not run.
    await client.query(`alter table ${table} disable trigger user`)
    const sink = client.query(from(`copy ${table} (${columnList(columns)}) from stdin`))
    await pipeline(createReadStream(fileOf(folder, name)), createGunzip(), sink)
    await client.query(`alter table ${table} enable trigger user`)
    if (sink.rowCount !== rows) throw new Error(`${name} has ${sink.rowCount} rows in the backup, expected ${rows}`)
  }
  for (const { table, name, definition } of keys)
    await client.query(`alter table ${table} add constraint ${pg.escapeIdentifier(name)} ${definition}`)
  for (const { name, lastValue, isCalled } of saved.sequences)
    await client.query('select setval($1::regclass, $2, $3)', [pg.escapeIdentifier(name), lastValue, isCalled])
}

/** The names of the tables that contain more than what migrations write. */
export const filledTables = async (client: pg.Client): Promise<string[]> => {
  const filled: string[] = []
  for (const { name } of await readTables(client)) {
    if (filledByMigrations.includes(name)) continue
    const { rowCount } = await client.query(`select 1 from ${pg.escapeIdentifier(name)} limit 1`)
    if (rowCount) filled.push(name)
  }
  return filled
}
