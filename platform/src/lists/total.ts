/** The values of the parameter `total`, and up to how many rows a list counts with each. */
export const countLimits = { exact: 10_000, none: 0 } as const
/** Up to how many rows a list counts without the parameter. */
export const defaultCountLimit = 1_000

/** The number of rows of a list. With `gte` there are more. */
export type Total = { total: number; totalRelation: 'eq' | 'gte' }

/** Returns the total of a list whose rows were counted up to one more than `limit`; undefined if `limit` is 0. */
export const totalOf = (counted: number, limit: number): Total | undefined => {
  if (limit === 0) return undefined
  return counted > limit ? { total: limit, totalRelation: 'gte' } : { total: counted, totalRelation: 'eq' }
}

/** Whether a total says as much as a count up to `limit`. */
export const answers = ({ total, totalRelation }: Total, limit: number): boolean =>
  totalRelation === 'eq' || total >= limit

/** Reads a total that is written as `[186, "eq"]`; undefined if `value` is something else. */
export const parseTotal = (value: unknown): Total | undefined => {
  if (!Array.isArray(value) || value.length !== 2) return undefined
  const [total, totalRelation] = value as unknown[]
  if (typeof total !== 'number' || !Number.isInteger(total) || total < 0 || total > countLimits.exact) return undefined
  return totalRelation === 'eq' || totalRelation === 'gte' ? { total, totalRelation } : undefined
}
