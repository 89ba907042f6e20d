import type { Db } from '@clientele/platform/data/db'

/** Returns the names of the tables of a schema with a row that contains one of `texts` in any column, whatever its case. */
export const tablesWithText = async (db: Db, texts: readonly string[]): Promise<string[]> => {
  const tables = await db.query<{ name: string }>(
    'select tablename as name from pg_tables where schemaname = current_schema()',
  )
  const patterns = texts.map((text) => `%${text}%`)
  const found = await Promise.all(
    tables.map(async ({ name }) => {
      const sql = `select from ${name} as record where record::text ilike any($1) limit 1`
      return (await db.query(sql, [patterns])).length > 0 ? name : []
    }),
  )
  return found.flat()
}
