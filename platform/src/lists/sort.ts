import type { Bind } from './condition.ts'
import { FilterError } from './filters.ts'

/** One column of a sort. The last column of every sort is the id. */
export type SortKey = { column: string; descending: boolean }

/** The maximum number of fields of a sort. */
export const maxSortFields = 5

/**
 * Parses `-createdAt,surname` to columns, and appends the id in the direction of the first column.
 * @throws FilterError
 */
export const parseSort = (value: string, columns: ReadonlyMap<string, string>, id: string): SortKey[] => {
  const names = value.split(',').map((name) => name.trim())
  if (names.length > maxSortFields) throw new FilterError(`must have at most ${maxSortFields} fields`)
  const keys = names.map((name) => {
    const descending = name.startsWith('-')
    const column = columns.get(descending ? name.slice(1) : name)
    if (column === undefined)
      throw new FilterError(`can be ${[...columns.keys()].join(', ')}; a leading - means descending`)
    return { column, descending }
  })
  if (new Set(keys.map(({ column }) => column)).size < keys.length) throw new FilterError('must not name a field twice')
  const first = keys[0]?.descending ?? false
  return keys.some(({ column }) => column === id) ? keys : [...keys, { column: id, descending: first }]
}

/** Reverses a sort. Nulls are last in ascending order, which is PostgreSQL's default, so one index serves both directions. */
export const reverseSort = (keys: readonly SortKey[]): SortKey[] =>
  keys.map(({ column, descending }) => ({ column, descending: !descending }))

/** Writes the list of an `order by` clause. */
export const orderBy = (keys: readonly SortKey[]): string =>
  keys.map(({ column, descending }) => `${column} ${descending ? 'desc' : 'asc'}`).join(', ')

/**
 * Writes the conditions for the rows after the position `values`. The conditions are disjoint, their union is the result, and each
 * can be read as a range of an index. Without nulls and with one direction, the first is a row comparison: `(a, id) > ($1, $2)`.
 * With two directions, `a desc, id asc` gives `a < $1` and `a = $1 and id > $2`.
 */
export const rangesAfter = (keys: readonly SortKey[], values: readonly (string | null)[], bind: Bind): string[] => {
  const placeholders = values.map((value) => (value === null ? null : bind(value)))
  const equal = (index: number): string =>
    keys
      .slice(0, index)
      .map(({ column }, each) =>
        placeholders[each] === null ? `${column} is null` : `${column} = ${placeholders[each]}`,
      )
      .join(' and ')
  const join = (...parts: string[]): string => parts.filter((part) => part !== '').join(' and ')
  const last = keys.length - 1
  const nullsAfter = keys.flatMap(({ column, descending }, index) =>
    index === last || descending || placeholders[index] === null ? [] : [join(equal(index), `${column} is null`)],
  )
  const [first] = keys
  if (first && !placeholders.includes(null) && keys.every(({ descending }) => descending === first.descending)) {
    const row = `(${keys.map(({ column }) => column).join(', ')}) ${first.descending ? '<' : '>'} (${placeholders.join(', ')})`
    return [row, ...nullsAfter]
  }
  const greater = keys.flatMap(({ column, descending }, index) => {
    const placeholder = placeholders[index]
    if (placeholder === null) return descending ? [join(equal(index), `${column} is not null`)] : []
    return [join(equal(index), `${column} ${descending ? '<' : '>'} ${placeholder}`)]
  })
  return [...greater, ...nullsAfter]
}
