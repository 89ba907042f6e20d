import { type Bind, type Filter, FilterError, ordered, scalar } from './filters.ts'

const rfc3339 = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+ -]\d{2}:\d{2})?)?$/i

const readTime = (value: string): string => {
  // A plus sign that was not percent-encoded arrives as a space.
  const [whole, day, clock, zone] = rfc3339.exec(value) ?? []
  const moment = new Date(
    clock === undefined ? `${day}T00:00:00Z` : `${day}T${clock}${(zone ?? 'Z').replace(' ', '+').toUpperCase()}`,
  )
  if (whole === undefined || Number.isNaN(moment.getTime()) || value.startsWith('0000')) {
    throw new FilterError('must be a time such as 2026-11-20T09:30:00Z, or a day')
  }
  // JavaScript takes the 31st of February for the 3rd of March.
  if (new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day)
    throw new FilterError('must be a day that exists')
  return moment.toISOString()
}

// Of two processes one may be behind.
const mostSkewMs = 3_600_000

/**
 * An instant (`timestamptz`): RFC 3339, or a day, which is its first moment in UTC. `after` says what is true of a row whose
 * instant lies before a moment, such as that it was created before: SQL for the moment in ms.
 */
export const time = ({
  column,
  after,
}: {
  column?: string
  after?: (bind: Bind, ms: number) => string
} = {}): Filter => {
  const plain = scalar({
    type: 'timestamptz',
    operators: ordered,
    description: 'a time (RFC 3339) or a day (UTC)',
    column,
    read: readTime,
  })
  if (!after) return plain
  return {
    ...plain,
    parse: (operator, value, sql) => {
      const condition = plain.parse(operator, value, sql)
      if (operator !== 'lt' && operator !== 'lte') return condition
      const ms = Date.parse(readTime(value)) + mostSkewMs
      return Object.assign(condition, { implied: (bind: Bind) => after(bind, ms) })
    },
  }
}

/** For {@link time}: an instant that is never before `column`. */
export const notBefore =
  (column: string) =>
  (bind: Bind, ms: number): string =>
    `${column} < ${bind(new Date(ms).toISOString())}::timestamptz`
