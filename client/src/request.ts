import type { RequestOptions, Route } from './routes.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A request that can be sent several times. */
export type Prepared = {
  route: Route
  method: Method
  url: string
  headers: Record<string, string>
  body: string | Blob | FormData | undefined
  /** Whether a second attempt does no harm if the first one had an effect. */
  repeatable: boolean
}

/** @throws TypeError for a value that would lead to another path */
const fillPath = (template: string, values: Record<string, unknown>): string =>
  template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(values[name] ?? '')
    if (value === '' || value === '.' || value === '..')
      throw new TypeError(`${name} of ${template} must not be "${value}"`)
    return encodeURIComponent(value)
  })

const escapeCommas = (value: unknown): string => String(value).replace(/[\\,]/g, '\\$&')
const textOf = (value: unknown): string => (Array.isArray(value) ? value.map(escapeCommas).join(',') : String(value))
const isGiven = ([, value]: [string, unknown]): boolean => value !== undefined

const queryOf = (query: Record<string, unknown>): string => {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query).filter(isGiven)) parameters.set(name, textOf(value))
  return parameters.size === 0 ? '' : `?${parameters}`
}

const formValue = (value: unknown): string | Blob => {
  if (value instanceof Blob) return value
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
const formOf = (fields: Record<string, unknown>): FormData => {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields).filter(isGiven))
    for (const each of Array.isArray(value) ? value : [value]) form.append(name, formValue(each))
  return form
}

/** An object with a file in it is a form, and any other one JSON. */
const encodeBody = (body: unknown): { body?: string | Blob | FormData; type?: string } => {
  if (body === undefined || body instanceof FormData) return body ? { body } : {}
  if (body instanceof Blob) return { body, type: body.type || 'application/octet-stream' }
  const fields = Object(body) as Record<string, unknown>
  return Object.values(fields).some((value) => value instanceof Blob)
    ? { body: formOf(fields) }
    : { body: JSON.stringify(body), type: 'application/json' }
}

// crypto.randomUUID is missing on pages without TLS.
const newKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')

// Two spellings of one header would be joined.
const lowerCase = (headers: Record<string, string> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

// Their responses have secrets, which a service does not store to repeat them, and a test of a webhook is sent each time.
const unrepeatable = ['/v1/webhooks', '/v1/webhooks/{id}/test', '/v1/webhooks/{id}/rotate-secret']
const takesKey = (path: string): boolean => !path.startsWith('/v1/auth/') && !unrepeatable.includes(path)
const entityTag = (match: number | string): string => (typeof match === 'number' ? `"${match}"` : match)

/** What is sent. `RequestInput` has the types of each route. */
export type Input = RequestOptions & {
  path?: object | undefined
  query?: object | undefined
  body?: unknown
  accept?: string
}

/** Makes URL, headers and body. The routes of the sign-in and some of webhooks take no idempotency key. @throws TypeError for an invalid path */
export const prepare = (baseUrl: string, route: Route, input: Input): Prepared => {
  const [method, template] = route.split(' ') as [Method, string]
  const { body, type } = encodeBody(input.body)
  const { ifMatch, ifNoneMatch } = input
  const key = method === 'POST' && takesKey(template) ? (input.idempotencyKey ?? newKey()) : undefined
  return {
    route,
    method,
    url: `${baseUrl}${fillPath(template, { ...input.path })}${queryOf({ ...input.query })}`,
    headers: {
      accept: input.accept ?? 'application/json',
      ...(type !== undefined && { 'content-type': type }),
      ...(key !== undefined && { 'idempotency-key': key }),
      ...(ifMatch !== undefined && { 'if-match': entityTag(ifMatch) }),
      ...(ifNoneMatch !== undefined && { 'if-none-match': ifNoneMatch }),
      ...lowerCase(input.headers),
    },
    body,
    repeatable: key !== undefined || ['GET', 'PUT', 'DELETE'].includes(method) || template === '/v1/auth/refresh',
  }
}
