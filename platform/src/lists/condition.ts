/** Binds a value and returns its placeholder, such as `$3`. */
export type Bind = (value: unknown) => string
/** The context of a query. `actor` is the user that `me` means in a filter by user. */
export type ListContext = { actor?: { id: string } | undefined }
type SqlWriter = (bind: Bind, context: ListContext) => string
/** Writes the SQL of one condition. Every value must go through `bind`. */
export type Condition = SqlWriter & {
  /** Whether the planner cannot estimate how many rows match. {@link listStatement} limits the cost of a wrong estimate. */
  isEstimated?: true
  /**
   * `idCondition`: the condition uses only the id column. `idQuery`: the SQL is no condition but a subquery that returns each
   * matching id once, unordered. If all other conditions use only the id, this subquery serves both the count and the page.
   */
  kind?: 'idCondition' | 'idQuery'
  /**
   * A weaker condition on a column of the sort that follows from this one. With it, the index scan starts at the first possible
   * row. It is undefined if it does not help a sort that begins with `sortColumn`.
   */
  implies?: (bind: Bind, context: ListContext, sortColumn: string) => string | undefined
}

/** Sets `isEstimated` of a condition. */
export const markEstimated = (condition: Condition): Condition =>
  Object.assign(condition, { isEstimated: true as const })

/** Marks a condition that uses only the id column. */
export const markIdCondition = (condition: Condition): Condition =>
  Object.assign(condition, { kind: 'idCondition' as const })

/** Combines conditions with AND. */
export const all = (...conditions: string[]): string => conditions.map((sql) => `(${sql})`).join(' and ') || 'true'
