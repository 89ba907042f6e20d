import type { Db } from '../src/db.ts'
import type { Exportable } from '../src/export-kind.ts'
import { list, number, text } from '../src/list.ts'

export type Thing = { id: number; name: string | null; pot: number; version: number; filler: string }

/** What the tests of exports write: pots whose sum never changes, whoever moves what between them. */
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
  fields: { id: [], name: [], pot: [], version: [], filler: [] },
  present: (rows) => rows,
}

export const createThings = async (db: Db, rows: number): Promise<void> => {
  await db.query(`create table if not exists things (id integer primary key, name text, pot integer not null default 100,
    version integer not null default 1, filler text not null)`)
  await db.query('truncate things')
  await db.query(
    `insert into things (id, name, filler) select n, 'Thing ' || n, repeat('filler ' || n || ' ', 10) from generate_series(1, $1) n`,
    [rows],
  )
}
