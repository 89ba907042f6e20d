import type { Bind, Condition } from './condition.ts'
import { type Filter, FilterError, orderedOperators, scalarFilter } from './filters.ts'

// RFC 3339, and offsets without a colon, which Python's `%z` writes.
const rfc3339 = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+ -]\d{2}:?\d{2})?)?$/i

/** `+0200` → `+02:00`. A plus sign that was not percent-encoded arrives as a space. */
const offsetOf = (zone = 'Z'): string =>
  zone.toUpperCase().replace(/^([ +-])(\d\d):?(\d\d)$/, (_zone, sign: string, hours: string, minutes: string) => {
    return `${sign === ' ' ? '+' : sign}${hours}:${minutes}`
  })

/** Parses a time or a day: `2026-11-20` → `2026-11-20T00:00:00.000Z`. @returns RFC 3339 in UTC. @throws FilterError */
export const readTime = (value: string): string => {
  const [whole, day, clock, zone] = rfc3339.exec(value) ?? []
  const moment = new Date(clock === undefined ? `${day}T00:00:00Z` : `${day}T${clock}${offsetOf(zone)}`)
  if (whole === undefined || Number.isNaN(moment.getTime()) || value.startsWith('0000')) {
    throw new FilterError('must be a time such as 2026-11-20T09:30:00Z, or a day such as 2026-11-20')
  }
  // JavaScript reads 31 February as 3 March.
  if (new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day)
    throw new FilterError('must be a day that exists')
  return moment.toISOString()
}

// Two times of a row can come from processes whose clocks differ.
const maxClockSkewMs = 3_600_000

export type TimeOptions = {
  column?: string
  /**
   * Writes a condition that is true for every row whose time is before `ms` (milliseconds since 1970). It becomes
   * {@link Condition.implies} of the operators `lt` and `lte`.
   */
  upperBoundImplies?: (bind: Bind, ms: number) => string
}

/** A filter on a `timestamptz` column. A value is a time (RFC 3339) or a day, which means its first instant in UTC. */
export const time = ({ column, upperBoundImplies }: TimeOptions = {}): Filter => {
  const plain = scalarFilter({
    type: 'timestamptz',
    operators: orderedOperators,
    description: 'A time (RFC 3339), or a day such as `2026-11-20`, which means its first instant in UTC',
    value: { type: 'string', format: 'date-time' },
    column,
    read: readTime,
  })
  if (!upperBoundImplies) return plain
  return {
    ...plain,
    parse: (operator, value, sql) => {
      const condition = plain.parse(operator, value, sql)
      if (operator !== 'lt' && operator !== 'lte') return condition
      const ms = Date.parse(readTime(value)) + maxClockSkewMs
      const implies: Condition['implies'] = (bind) => upperBoundImplies(bind, ms)
      return Object.assign(condition, { implies })
    },
  }
}

/**
 * Creates `upperBoundImplies` for a column that is never earlier than `column`: a row with `updated_at < x` also has
 * `created_at < x`.
 * @example time({ upperBoundImplies: columnBefore('created_at') })
 */
export const columnBefore =
  (column: string) =>
  (bind: Bind, ms: number): string =>
    `${column} < ${bind(new Date(ms).toISOString())}::timestamptz`
