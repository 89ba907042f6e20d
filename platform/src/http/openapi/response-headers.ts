const text = { type: 'string' as const }
const seconds = { type: 'integer' as const, minimum: 0, maximum: 86_400 }

/** The response headers of all services and the gateway, for `components.headers`. */
export const responseHeaders = {
  ETag: {
    description: 'The version of the resource, for `If-Match` and `If-None-Match`.',
    schema: text,
    example: '"3.q1cXb0yT2aE"',
  },
  Location: {
    description: 'The path of the new resource, or of the resource that shows the progress.',
    schema: { type: 'string', format: 'uri-reference' },
  },
  'Retry-After': { description: 'The seconds to wait before a retry.', schema: seconds, example: 5 },
  RateLimit: {
    description: 'The requests that are left (`r`) and the seconds until there are more (`t`).',
    schema: text,
    example: '"user";r=299;t=60',
  },
  'RateLimit-Policy': {
    description: 'The requests (`q`) that are allowed in a window of seconds (`w`).',
    schema: text,
    example: '"user";q=300;w=60',
  },
  'Idempotency-Replayed': {
    description: 'Present if this is the stored response to an earlier request with the same `Idempotency-Key`.',
    schema: { type: 'string' as const, enum: ['true'] as string[] },
  },
  'X-Request-Id': {
    description: 'The id of the request, as in the logs of all services.',
    schema: text,
    example: '0190a5c4-6f00-7000-8000-000000000002',
  },
  'WWW-Authenticate': { description: 'How to authenticate.', schema: text, example: 'Bearer' },
  'Content-Disposition': {
    description: 'The name of the file.',
    schema: text,
    example: 'attachment; filename="export.csv"',
  },
  'Content-Range': { description: 'The part of the file, and its length.', schema: text, example: 'bytes 0-99/1234' },
  'Accept-Ranges': { description: 'Parts of the file can be requested with `Range`.', schema: text, example: 'bytes' },
  'X-Row-Count': {
    description: 'The rows of an export, without the header.',
    schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    example: 1200,
  },
  'Repr-Digest': {
    description: 'The SHA-256 of the file (RFC 9530).',
    schema: text,
    example: 'sha-256=:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=:',
  },
} as const

/** The name of a documented response header. */
export type ResponseHeader = keyof typeof responseHeaders

/** References to headers, by their names. */
export type HeaderReferences = Record<string, { $ref: string }>

/** References to documented headers. */
export const headerReferences = (names: readonly ResponseHeader[]): HeaderReferences =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
