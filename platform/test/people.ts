import { connectDb, type Db } from '@clientele/platform/data/db'
import {
  arrayHas,
  boolean,
  flag,
  integer,
  list,
  number,
  text,
  time,
  userId,
  uuid,
} from '@clientele/platform/lists/list'
import { asOwner, testDatabase } from '@clientele/platform/testing/database'

export type Person = { id: string; number: number; surname: string | null; createdAt: Date; tags: string[] }

/** A list definition with a filter of each kind. */
export const people = list<Person>({
  table: 'people',
  columns: ['id', 'number', 'surname', 'createdAt', 'tags'],
  sort: ['createdAt', 'surname', 'price', { name: 'code', column: 'number' }],
  defaultSort: '-createdAt',
  filter: {
    surname: text(),
    email: text({ sorted: true, normalise: (value) => value.toLowerCase() }),
    createdAt: time(),
    createdBy: userId(),
    owner: uuid({ column: 'id' }),
    hasPhoto: flag('photo is not null'),
    active: boolean(),
    tag: arrayHas('tags'),
    price: number(),
    number: integer(),
  },
  search: 'search_text',
  where: 'deleted_at is null',
  aliases: { keyword: 'q', max_price: 'price[lte]' },
})

/** The number of rows that are listed, not counting the one with an unusual name. */
export const rowCount = 3_000

const createTable = `create table people (
  id uuid primary key, number integer not null, surname text, email text, price numeric, photo uuid, active boolean not null,
  tags text[] not null, search_text text not null, created_by text not null,
  created_at timestamptz(3) not null, deleted_at timestamptz(3))`

const makePeople = async (db: Db): Promise<void> => {
  await db.query(
    `insert into people
     select gen_random_uuid(), n, case when n % 7 = 0 then null else 'Name' || n % 40 end, 'p' || n || '@example.com',
       case when n % 11 = 0 then null else (n % 100) / 10.0 end, case when n % 3 = 0 then gen_random_uuid() end, n % 2 = 0,
       case when n % 5 = 0 then '{}' else array['t' || n % 4, 'all'] end, 'person ' || n || ' oden', 'user-' || n % 3,
       timestamptz '2026-01-01' + make_interval(mins => n / 10), case when n > $1 then now() end
     from generate_series(1, $1 + 50) n`,
    [rowCount],
  )
  await db.query(`insert into people (id, number, surname, active, tags, search_text, created_by, created_at)
    values (gen_random_uuid(), 9001, '100%_\\ "O''Neil", Inc', true, '{}', 'odd', 'user-x', '2026-06-01T10:00:00.123Z')`)
}

/** Creates a database with the `people` table for one test file. `run` runs the list as user-1. */
export const startPeople = async () => {
  const database = await testDatabase({
    schema: 'platform_test',
    migrations: new URL('./migrations/', import.meta.url),
  })
  const db = await connectDb(database.config, 'platform_test')
  await asOwner(database, createTable)
  await makePeople(db)
  await asOwner(database, 'analyze people')
  return {
    db,
    database,
    run: (query: Record<string, string>) => people.run(db, query, { actor: { id: 'user-1' } }),
    stop: async (): Promise<void> => {
      await db.close()
      await database.drop()
    },
  }
}
