import { isDeepStrictEqual } from 'node:util'

/** The names of the fields that differ, and what they were before. */
export type Changes = { changed: string[]; previous: Record<string, unknown> }

/** Some properties of a record, in the order of `names`. */
export const pick = <T extends object, K extends keyof T>(record: T, names: readonly K[]): Pick<T, K> =>
  Object.fromEntries(names.map((name) => [name, record[name]])) as Pick<T, K>

/** How `after` differs from `before` in the fields `names`; undefined if it does not. */
export const changesOf = <T extends object, K extends keyof T & string>(
  before: T,
  after: Pick<T, K>,
  names: readonly K[],
): Changes | undefined => {
  const changed = names.filter((name) => !isDeepStrictEqual(before[name], after[name]))
  return changed.length === 0 ? undefined : { changed, previous: pick(before, changed) }
}
