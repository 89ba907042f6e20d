import { isDeepStrictEqual } from 'node:util'

/** The fields that a change of a record has changed: their names, and their values before the change. */
export type Changes = { changed: string[]; previous: Record<string, unknown> }

/** Copies the properties `names` of a record, in this order. */
export const pick = <T extends object, K extends keyof T>(record: T, names: readonly K[]): Pick<T, K> =>
  Object.fromEntries(names.map((name) => [name, record[name]])) as Pick<T, K>

/** Compares the fields `names` of `before` and `after`. Returns undefined if all are equal. */
export const changesOf = <T extends object, K extends keyof T & string>(
  before: T,
  after: Pick<T, K>,
  names: readonly K[],
): Changes | undefined => {
  const changed = names.filter((name) => !isDeepStrictEqual(before[name], after[name]))
  return changed.length === 0 ? undefined : { changed, previous: pick(before, changed) }
}
