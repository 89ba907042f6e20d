import { FilterError } from './filters.ts'
import { parseTotal, type Total } from './total.ts'

/**
 * A position in a sorted list. `values` are the texts of one row in the columns of the sort, as PostgreSQL writes them. The page
 * begins after this row or, if `backward` is true, ends before it. `total` is that of the page which the cursor comes from.
 */
export type Cursor = { sort: string; backward: boolean; total: Total | undefined; values: (string | null)[] }

const maxLength = 4_096

/**
 * Encodes a cursor for clients: base64url of `["-createdAt",0,[186,"eq"],"2026-11-20 09:30:00+00","0190a5c4-…"]`, in which 1 instead
 * of 0 means backward, and `[186,"eq"]` is left out without a total. It is neither secret nor signed, since a forged one can only
 * name another position, and tell its owner another total.
 */
export const encodeCursor = ({ sort, backward, total, values }: Cursor): string => {
  const totals = total ? [[total.total, total.totalRelation]] : []
  return Buffer.from(JSON.stringify([sort, backward ? 1 : 0, ...totals, ...values])).toString('base64url')
}

const parseJson = (value: string): unknown => {
  try {
    return JSON.parse(Buffer.from(value, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}

const isValue = (item: unknown): item is string | null =>
  item === null || (typeof item === 'string' && item.isWellFormed() && !item.includes('\0'))

/** Decodes a cursor. @throws FilterError for a malformed one */
export const decodeCursor = (value: string): Cursor => {
  const invalid = () => new FilterError('is not a cursor of this list')
  if (value.length > maxLength || !/^[\w-]+$/.test(value)) throw invalid()
  const parts = parseJson(value)
  if (!Array.isArray(parts)) throw invalid()
  const [sort, direction, ...others] = parts as unknown[]
  const total = parseTotal(others[0])
  const values = total ? others.slice(1) : others
  if (typeof sort !== 'string' || (direction !== 0 && direction !== 1) || !values.every(isValue)) throw invalid()
  if (values.length === 0 || values.at(-1) === null) throw invalid()
  return { sort, backward: direction === 1, total, values }
}
