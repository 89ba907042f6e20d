import type { Client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'

type Query = Record<string, string>

const stringsOf = (value: unknown): string[] => {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(stringsOf)
  return value === null || value === undefined || value === '' ? [] : [String(value)]
}

/** The value at `address.city`. */
const nested = (row: Record<string, unknown>, parameter: string): unknown => {
  const [group = '', key = ''] = parameter.split('.')
  return (row[group] as Record<string, unknown> | null | undefined)?.[key]
}

const commonValues = [
  ...['true', 'false', 'me', '1', '0', '2000-01-01', '2100-01-01', 'nobody'],
  ...['ORD-000000', 'CUS-000000', 'CUS-999999'],
  // States, for conditions that no row but those in another state meets.
  ...['failed', 'delivered', 'cancelled', 'queued', 'sms', 'email', 'admin'],
]

export const urlPathOf = (path: string, query: Query): string => `${path}?${new URLSearchParams(query)}`

/**
 * Finds queries that together use every parameter of a list, and each return rows. Only then can a tool see that a condition
 * which it injects changes the rows. `known` are further values to try.
 * @throws Error that names the parameters for which no value was found
 */
export const findQueriesWithRows = async (
  api: Client,
  path: string,
  parameters: string[],
  known: readonly string[] = [],
): Promise<Query[]> => {
  const rows = async (query: Query): Promise<Record<string, unknown>[]> => {
    const { status, body } = await api.get(urlPathOf(path, query))
    return status === 200 ? body.data : []
  }
  const hasRows = async (query: Query): Promise<boolean> => (await rows(query)).length > 0
  // Users appear in their list a moment later, by Keycloak's events.
  const { first, row } = await eventually(async () => {
    const first = (await api.get(urlPathOf(path, { limit: '1' }))).body
    const [row] = first.data as Record<string, unknown>[]
    if (row === undefined) throw new Error(`${path} has no rows`)
    return { first, row }
  })

  const valueFor = async (parameter: string): Promise<string | undefined> => {
    const [name = ''] = parameter.split('[')
    // If the first row has no value, another may: only records in the trash have `deletedAt`.
    const other = row[name] ?? nested(row, parameter) ?? (await rows({ [`${name}[exists]`]: 'true' }))[0]?.[name]
    const candidates = [
      ...stringsOf(other),
      ...commonValues,
      ...stringsOf(first.page),
      ...Object.keys(row),
      ...stringsOf(row),
      ...known,
    ]
    for (const candidate of new Set(candidates)) if (await hasRows({ [parameter]: candidate })) return candidate
    return undefined
  }

  const queries: Query[] = []
  const missing: string[] = []
  for (const parameter of parameters) {
    const value = await valueFor(parameter)
    if (value === undefined) {
      missing.push(parameter)
      continue
    }
    let target: Query | undefined
    for (const query of queries) if (!target && (await hasRows({ ...query, [parameter]: value }))) target = query
    if (target) target[parameter] = value
    else queries.push({ [parameter]: value })
  }
  if (missing.length > 0) throw new Error(`${path}: no value gives rows for ${missing.join(', ')}`)
  return queries
}
