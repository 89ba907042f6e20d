import { ProblemBody, type ProblemCode, type ProblemError, problems } from '@clientele/contracts/problem'
import type { z } from 'zod'
import { Problem } from '../../runtime/problem.ts'
import { signInChallenge } from '../recent-sign-in.ts'
import { headerReferences, type ResponseHeader } from './response-headers.ts'

const instance = '/v1/customers/0190a5c4-6f00-7000-8000-000000000001'
const requestId = '0190a5c4-6f00-7000-8000-000000000002'

const exampleErrors: Partial<Record<ProblemCode, ProblemError[]>> = {
  unknown_parameter: [{ parameter: 'colour', code: 'unknown_parameter', message: 'is not a known parameter' }],
  invalid_parameter: [
    { parameter: 'limit', code: 'invalid_parameter', message: 'must be a whole number from 1 to 200' },
  ],
  validation: [
    { pointer: '/email', code: 'invalid_format', message: 'must be an e-mail address such as ana@example.com' },
  ],
  weak_password: [{ pointer: '/password', code: 'weak_password', message: 'must not be a common password' }],
  insufficient_stock: [
    {
      pointer: '/lines/0/quantity',
      code: 'stock_short',
      message: '15 requested, 7 available',
      requested: 15,
      available: 7,
    },
  ],
  price_changed: [
    {
      pointer: '/lines/0/expectedPrice',
      code: 'price_changed',
      message: 'is 2.50 now, not 2.20',
      expected: '2.20',
      current: '2.50',
    },
  ],
  duplicate: [{ pointer: '/email', code: 'taken', message: 'belongs to another customer' }],
}
const exampleExtras: Partial<Record<ProblemCode, Record<string, unknown>>> = {
  duplicate: { conflictingId: '0190a5c4-6f00-7000-8000-000000000003', conflictingState: 'active' },
  precondition_failed: { current: { version: 7, etag: '"7"' } },
  precondition_required: { current: { version: 7, etag: '"7"' } },
  too_large: { limit: 100_000 },
  gone: { oldest: { seq: 4_211, at: '2026-10-21T00:00:00.000Z' }, newest: 48_211 },
}

const exampleOf = (code: ProblemCode): { summary: string; value: ProblemBody } => {
  const errors = exampleErrors[code]
  const extra = exampleExtras[code]
  const problem = new Problem(code, { detail: problems[code].help, ...(errors && { errors }), ...(extra && { extra }) })
  return { summary: problems[code].title, value: problem.toBody({ instance, requestId }) }
}

const codesOf = (status: number): ProblemCode[] =>
  (Object.keys(problems) as ProblemCode[]).filter((code) => problems[code].status === status)

const codesByStatus = new Map(
  Object.values(problems).map(({ status }): [number, ProblemCode[]] => [status, codesOf(status)]),
)

/** Generators make names of these. */
const names: Record<number, string> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  406: 'NotAcceptable',
  408: 'RequestTimeout',
  409: 'Conflict',
  412: 'PreconditionFailed',
  413: 'TooLarge',
  415: 'UnsupportedMediaType',
  416: 'RangeNotSatisfiable',
  422: 'InvalidFields',
  428: 'PreconditionRequired',
  429: 'TooManyRequests',
  431: 'HeaderTooLarge',
  500: 'InternalError',
  502: 'BadGateway',
  503: 'Unavailable',
  504: 'GatewayTimeout',
  507: 'StorageFull',
}

const headersOf: Record<number, ResponseHeader[]> = {
  401: ['WWW-Authenticate'],
  409: ['Retry-After'],
  416: ['Content-Range'],
  429: ['Retry-After', 'RateLimit', 'RateLimit-Policy'],
  503: ['Retry-After'],
}

const responseTo = (status: number, schema: z.ZodType, codes: ProblemCode[]) => ({
  description: `A problem (RFC 9457): ${codes.map((code) => `\`${code}\``).join(', ')}`,
  headers: headerReferences([...(headersOf[status] ?? []), 'X-Request-Id']),
  content: {
    'application/problem+json': {
      schema,
      examples: Object.fromEntries(codes.map((code) => [code, exampleOf(code)])),
    },
  },
})

/** The problems that any route can have. Documents refer to them by name. */
const commonResponses = new Map(
  [...codesByStatus].map(([status, codes]) => [
    status,
    { ...responseTo(status, ProblemBody, codes), ...(names[status] !== undefined && { id: names[status] }) },
  ]),
)

/** The response of a problem with this status. A route can have a schema of its own for it. */
export const problemResponse = (status: number, schema: z.ZodType | null = null): object => {
  const common = commonResponses.get(status)
  if (!common) throw new Error(`there is no problem with the status ${status}`)
  return schema === null || schema === ProblemBody
    ? common
    : responseTo(status, schema, codesByStatus.get(status) ?? [])
}

/** The 401 of a route that requires a recent sign-in. */
export const reauthenticationResponse = {
  ...responseTo(401, ProblemBody, codesByStatus.get(401) ?? []),
  id: 'SignInAgain',
  description:
    'A problem (RFC 9457). `reauthentication_required`: the last sign-in is more than five minutes ago. Sign in again and repeat the request',
  headers: {
    ...headerReferences(['X-Request-Id']),
    'WWW-Authenticate': {
      description: `The challenge (RFC 9470): \`${signInChallenge}\``,
      schema: { type: 'string' as const },
    },
  },
}
