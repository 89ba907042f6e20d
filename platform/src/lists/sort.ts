import { type Bind, FilterError } from './filters.ts'

/** One column of a sort; the last one is the id. */
export type SortKey = { column: string; descending: boolean }

const mostFields = 5

/**
 * `-createdAt,surname` → columns, with the id as the last in the direction of the first.
 * @throws FilterError
 */
export const parseSort = (value: string, columns: ReadonlyMap<string, string>, id: string): SortKey[] => {
  const names = value.split(',').map((each) => each.trim())
  if (names.length > mostFields) throw new FilterError(`must have at most ${mostFields} fields`)
  const keys = names.map((each) => {
    const descending = each.startsWith('-')
    const column = columns.get(descending ? each.slice(1) : each)
    if (column === undefined)
      throw new FilterError(`can be ${[...columns.keys()].join(', ')}, each with - in front for descending`)
    return { column, descending }
  })
  if (new Set(keys.map(({ column }) => column)).size < keys.length) throw new FilterError('must not name a field twice')
  const first = keys[0]?.descending ?? false
  return keys.some(({ column }) => column === id) ? keys : [...keys, { column: id, descending: first }]
}

/** The same order from its end. Null is greater than all, as in PostgreSQL, so that one index serves both directions. */
export const reversed = (keys: readonly SortKey[]): SortKey[] =>
  keys.map(({ column, descending }) => ({ column, descending: !descending }))

export const orderBy = (keys: readonly SortKey[]): string =>
  keys.map(({ column, descending }) => `${column} ${descending ? 'desc' : 'asc'}`).join(', ')

/**
 * Conditions for the rows after those values: their union is the answer, no row meets two of them, and each is a range that
 * an index can serve. Without nulls and with one direction it is a single row comparison.
 */
export const after = (keys: readonly SortKey[], values: readonly (string | null)[], bind: Bind): string[] => {
  const places = values.map((value) => (value === null ? null : bind(value)))
  const equal = (index: number): string =>
    keys
      .slice(0, index)
      .map(({ column }, each) => (places[each] === null ? `${column} is null` : `${column} = ${places[each]}`))
      .join(' and ')
  const join = (...parts: string[]): string => parts.filter((part) => part !== '').join(' and ')
  const last = keys.length - 1
  const nullsAfter = keys.flatMap(({ column, descending }, index) =>
    index === last || descending || places[index] === null ? [] : [join(equal(index), `${column} is null`)],
  )
  const [first] = keys
  if (first && !places.includes(null) && keys.every(({ descending }) => descending === first.descending)) {
    const row = `(${keys.map(({ column }) => column).join(', ')}) ${first.descending ? '<' : '>'} (${places.join(', ')})`
    return [row, ...nullsAfter]
  }
  const greater = keys.flatMap(({ column, descending }, index) => {
    const place = places[index]
    if (place === null) return descending ? [join(equal(index), `${column} is not null`)] : []
    return [join(equal(index), `${column} ${descending ? '<' : '>'} ${place}`)]
  })
  return [...greater, ...nullsAfter]
}
