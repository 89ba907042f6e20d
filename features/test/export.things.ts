import type { Db } from '@clientele/platform/data/db'
import { databaseOf } from '@clientele/platform/data/transaction'
import { list, number, text } from '@clientele/platform/lists/list'
import { asOwner, type TestDatabase } from '@clientele/platform/testing/database'
import type { Exportable } from '../src/exports/export.jobs.ts'

export type Thing = { id: number; name: string | null; pot: number; version: number; filler: string }

/** A list to export. Transfers between the pots of things never change their sum. */
export const things: Exportable<Thing> = {
  kind: 'thing-export',
  name: 'things',
  list: list<Thing>({
    table: 'things',
    columns: ['id', 'name', 'pot', 'version', 'filler'],
    sort: ['id', 'name'],
    defaultSort: '-id',
    filter: { name: text(), pot: number(), version: number() },
  }),
  fields: { id: [], name: [], pot: [], version: [], again: [], filler: [] },
  // Reads the versions again in the same snapshot, as the export of orders reads their lines.
  present: async (rows, tx) => {
    const sql = 'select id, version from things where id = any($1)'
    const things = await databaseOf(tx).query<{ id: number; version: number }>(sql, [rows.map(({ id }) => id)], { tx })
    const versions = new Map(things.map(({ id, version }) => [id, version]))
    return rows.map((row) => ({ ...row, again: versions.get(row.id) }))
  },
}

const createTable = `create table if not exists things (id integer primary key, name text, pot integer not null default 100,
  version integer not null default 1, filler text not null)`

export const createThings = async (database: TestDatabase, db: Db, rows: number): Promise<void> => {
  await asOwner(database, createTable, 'truncate things')
  await db.query(
    `insert into things (id, name, filler) select n, 'Thing ' || n, md5('a' || n) || md5('b' || n) || md5('c' || n) || md5('d' || n) || md5('e' || n) from generate_series(1, $1) n`,
    [rows],
  )
}
