import type { ProblemError } from '@clientele/contracts/problem'

const parseJson = (name: string, value: unknown, errors: ProblemError[]): unknown => {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    errors.push({ pointer: `/${name}`, code: 'invalid_json', message: 'must be a JSON object' })
    return undefined
  }
}

const parseTags = (value: unknown): unknown => {
  const parts = Array.isArray(value) ? value : [value]
  return parts.every((part) => typeof part === 'string')
    ? parts.flatMap((part) => part.split(',').map((tag) => tag.trim())).filter((tag) => tag !== '')
    : value
}

/**
 * Converts the fields of a form to the JSON body of a customer. Empty fields are absent. `tags` are repeated or separated by
 * commas. `address` and `metadata` are JSON or fields such as `address[city]`. `smsOptOut` is `true` or `false`.
 */
export const parseFormFields = (
  fields: Record<string, unknown>,
): { body: Record<string, unknown>; errors: ProblemError[] } => {
  const errors: ProblemError[] = []
  const entries = Object.entries(fields)
    .filter(([, value]) => value !== '')
    .map(([name, value]): [string, unknown] => {
      if (name === 'tags') return [name, parseTags(value)]
      if (name === 'address' || name === 'metadata') return [name, parseJson(name, value, errors)]
      if (name === 'smsOptOut' && (value === 'true' || value === 'false')) return [name, value === 'true']
      return [name, value]
    })
  return { body: Object.fromEntries(entries), errors }
}
