import type { Client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'

type Query = Record<string, string>

const textsOf = (value: unknown): string[] => {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(textsOf)
  return value === null || value === undefined || value === '' ? [] : [String(value)]
}

const always = ['true', 'false', 'me', '1', '0', '2000-01-01', '2100-01-01', 'nobody', 'ORD-000000']

export const addressOf = (path: string, query: Query): string => `${path}?${new URLSearchParams(query)}`

/**
 * Queries that together use every parameter of a list, each of them answered with rows: only on top of such an answer can a
 * condition that an attacker adds be seen to change something. `known` are values that no row shows.
 * @throws Error naming the parameters for which no value was found
 */
export const answeredQueries = async (
  api: Client,
  path: string,
  parameters: string[],
  known: readonly string[] = [],
): Promise<Query[]> => {
  const rows = async (query: Query): Promise<Record<string, unknown>[]> => {
    const { status, body } = await api.get(addressOf(path, query))
    return status === 200 ? body.data : []
  }
  const answers = async (query: Query): Promise<boolean> => (await rows(query)).length > 0
  // People come into their list by Keycloak's events, a moment later.
  const { first, row } = await eventually(async () => {
    const first = (await api.get(addressOf(path, { limit: '1' }))).body
    const [row] = first.data as Record<string, unknown>[]
    if (row === undefined) throw new Error(`${path} has no rows`)
    return { first, row }
  })

  const valueFor = async (parameter: string): Promise<string | undefined> => {
    const [name = ''] = parameter.split('[')
    // What the first row lacks, another may have: a time of deletion stands in the trash only.
    const other = row[name] ?? (await rows({ [`${name}[exists]`]: 'true' }))[0]?.[name]
    const candidates = [
      ...textsOf(other),
      ...always,
      ...textsOf(first.page),
      ...Object.keys(row),
      ...textsOf(row),
      ...known,
    ]
    for (const candidate of new Set(candidates)) if (await answers({ [parameter]: candidate })) return candidate
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
    let place: Query | undefined
    for (const query of queries) if (!place && (await answers({ ...query, [parameter]: value }))) place = query
    if (place) place[parameter] = value
    else queries.push({ [parameter]: value })
  }
  if (missing.length > 0) throw new Error(`${path}: no value gives rows for ${missing.join(', ')}`)
  return queries
}
