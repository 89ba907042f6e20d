import { FilterError } from './filters.ts'

/** A place in a sorted list: beside the row with these values (as PostgreSQL writes them) in the sort's columns. */
export type Cursor = { sort: string; backward: boolean; values: (string | null)[] }

const longest = 4_096

/** The cursor as a client gets it: opaque, but not secret and not signed; it can only name a place. */
export const encodeCursor = ({ sort, backward, values }: Cursor): string =>
  Buffer.from(JSON.stringify([sort, backward ? 1 : 0, ...values])).toString('base64url')

/** @throws FilterError for a text that no answer ever held */
export const decodeCursor = (value: string): Cursor => {
  const wrong = () => new FilterError('is not a cursor of this list')
  if (value.length > longest || !/^[\w-]+$/.test(value)) throw wrong()
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(value, 'base64url').toString('utf8'))
  } catch {
    throw wrong()
  }
  if (!Array.isArray(parts)) throw wrong()
  const [sort, direction, ...values] = parts as unknown[]
  const isValue = (each: unknown): each is string | null =>
    each === null || (typeof each === 'string' && each.isWellFormed() && !each.includes('\0'))
  if (typeof sort !== 'string' || (direction !== 0 && direction !== 1) || !values.every(isValue)) throw wrong()
  if (values.length === 0 || values.at(-1) === null) throw wrong()
  return { sort, backward: direction === 1, values }
}
