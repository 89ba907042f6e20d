import type { Db, Tx } from '../data/db.ts'
import { all, type Bind, type Condition, type ListContext } from './condition.ts'
import { maxValues } from './filters.ts'
import { allOf, searchByIds, type TextSearch } from './search.ts'

type Options = {
  table: string
  id: string
  lookup: (text: string) => Condition[]
}

/** Creates what finds the rows of which the text of `q` is a unique value, before its words are searched. */
export const createLookup = ({ table, id, lookup }: Options) => {
  const selectIds = (conditions: Condition[], base: string | undefined, bind: Bind, context: ListContext): string => {
    const sql = conditions.map((condition) => `(${condition(bind, context)})`).join(' or ')
    return `select ${id} from ${table} where ${all(sql, ...(base === undefined ? [] : [base]))}`
  }
  return {
    /** Returns a search for the found rows; undefined if there are none. */
    find: async (
      db: Db,
      search: TextSearch | undefined,
      base: string | undefined,
      tx: Tx | undefined,
    ): Promise<TextSearch | undefined> => {
      const conditions = search ? lookup(search.text.trim()) : []
      if (!search || conditions.length === 0) return undefined
      const values: unknown[] = []
      const select = selectIds(conditions, base, (value) => `$${values.push(value)}`, {})
      const found = await db.query<{ id: string }>(
        `select ${id} as id from (${select} limit ${maxValues + 1}) found`,
        values,
        { tx },
      )
      const isUnique = found.length > 0 && found.length <= maxValues
      return isUnique
        ? searchByIds(
            search.text,
            id,
            found.map((row) => row.id),
          )
        : undefined
    },

    /** The same choice as one condition, for a statement that reads all rows; undefined if the text cannot be such a value. */
    condition: (search: TextSearch, base: string | undefined): Condition | undefined => {
      const conditions = lookup(search.text.trim())
      if (conditions.length === 0) return undefined
      return (bind, context) => {
        const found = `select * from (${selectIds(conditions, base, bind, context)} limit ${maxValues + 1}) found`
        const isUnique = `(select count(*) from (${found}) counted) between 1 and ${maxValues}`
        return `case when ${isUnique} then ${id} in (${found}) else ${allOf(search.match)(bind, context)} end`
      }
    },
  }
}
