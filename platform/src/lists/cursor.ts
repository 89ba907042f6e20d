import { FilterError } from './filters.ts'

/**
 * A position in a sorted list. `values` are the texts of one row in the columns of the sort, as PostgreSQL writes them. The page
 * begins after this row or, if `backward` is true, ends before it.
 */
export type Cursor = { sort: string; backward: boolean; values: (string | null)[] }

const maxLength = 4_096

/**
 * Encodes a cursor for clients: base64url of `["-createdAt",0,"2026-11-20 09:30:00+00","0190a5c4-…"]`, in which 1 instead of 0
 * means backward. It is neither secret nor signed, since a forged one can only name another position.
 */
export const encodeCursor = ({ sort, backward, values }: Cursor): string =>
  Buffer.from(JSON.stringify([sort, backward ? 1 : 0, ...values])).toString('base64url')

/** Decodes a cursor. @throws FilterError for a malformed one */
export const decodeCursor = (value: string): Cursor => {
  const invalid = () => new FilterError('is not a cursor of this list')
  if (value.length > maxLength || !/^[\w-]+$/.test(value)) throw invalid()
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(value, 'base64url').toString('utf8'))
  } catch {
    throw invalid()
  }
  if (!Array.isArray(parts)) throw invalid()
  const [sort, direction, ...values] = parts as unknown[]
  const isValue = (item: unknown): item is string | null =>
    item === null || (typeof item === 'string' && item.isWellFormed() && !item.includes('\0'))
  if (typeof sort !== 'string' || (direction !== 0 && direction !== 1) || !values.every(isValue)) throw invalid()
  if (values.length === 0 || values.at(-1) === null) throw invalid()
  return { sort, backward: direction === 1, values }
}
