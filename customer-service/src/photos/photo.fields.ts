import type { ProblemError } from '@clientele/contracts/problem'

const json = (name: string, value: unknown, errors: ProblemError[]): unknown => {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    errors.push({ pointer: `/${name}`, code: 'invalid_json', message: 'must be a JSON object' })
    return undefined
  }
}

const tagsOf = (value: unknown): unknown => {
  const parts = Array.isArray(value) ? value : [value]
  return parts.every((part) => typeof part === 'string')
    ? parts.flatMap((part) => part.split(',').map((tag) => tag.trim())).filter((tag) => tag !== '')
    : value
}

/**
 * A form's fields as the JSON body that they stand for: an empty field is absent, tags may repeat or stand between commas,
 * `address` and `metadata` are JSON or `address[city]`, `smsOptOut` is `true` or `false`.
 */
export const bodyOfForm = (
  fields: Record<string, unknown>,
): { body: Record<string, unknown>; errors: ProblemError[] } => {
  const errors: ProblemError[] = []
  const entries = Object.entries(fields)
    .filter(([, value]) => value !== '')
    .map(([name, value]): [string, unknown] => {
      if (name === 'tags') return [name, tagsOf(value)]
      if (name === 'address' || name === 'metadata') return [name, json(name, value, errors)]
      if (name === 'smsOptOut' && (value === 'true' || value === 'false')) return [name, value === 'true']
      return [name, value]
    })
  return { body: Object.fromEntries(entries), errors }
}
