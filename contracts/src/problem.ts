import { z } from 'zod'

/** One fault of a request; `pointer` is a JSON pointer (RFC 6901) into the body, or `parameter` names a query parameter or header. */
export const ProblemError = z
  .looseObject({
    pointer: z.string().optional(),
    parameter: z.string().optional(),
    code: z.string(),
    message: z.string(),
  })
  .meta({ id: 'ProblemError' })
export type ProblemError = z.infer<typeof ProblemError>

/** The body of every error answer: `application/problem+json` (RFC 9457). */
export const ProblemBody = z
  .looseObject({
    type: z.string().meta({ example: '/problems/not-found' }),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ example: 'not_found' }),
    detail: z.string().optional(),
    instance: z.string().optional(),
    requestId: z.string().optional(),
    errors: z.array(ProblemError).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem details' })
export type ProblemBody = z.infer<typeof ProblemBody>

/** 409 `duplicate`: another resource holds the same unique value. */
export const DuplicateBody = ProblemBody.extend({
  conflictingId: z.string().optional(),
  conflictingState: z.enum(['active', 'trash']).optional(),
}).meta({ id: 'DuplicateProblem' })

/**
 * Every error code of the product with its status and title. `type` in a problem is `/problems/<code with dashes>`,
 * and the gateway answers there with a page made from `title` and `help`.
 */
export const problems = {
  malformed: {
    status: 400,
    title: 'Malformed request',
    help: 'The request could not be parsed. Send valid JSON in UTF-8 and well-formed parameters.',
  },
  unknown_parameter: {
    status: 400,
    title: 'Unknown parameter',
    help: 'The address has a query parameter that this route does not know. The parameters of each route are listed in the API documentation.',
  },
  invalid_parameter: {
    status: 400,
    title: 'Invalid parameter',
    help: 'A query parameter, path part or header has a value that it cannot take; `errors` names it.',
  },
  unauthorized: {
    status: 401,
    title: 'Not signed in',
    help: 'Send a valid access token: `Authorization: Bearer <token>`.',
  },
  invalid_token: {
    status: 401,
    title: 'Invalid token',
    help: 'The access token is malformed, expired, revoked, or was issued for somebody else. Sign in again or refresh it.',
  },
  invalid_credentials: {
    status: 401,
    title: 'Wrong user name or password',
    help: 'Check the user name and the password. After several failures the account is locked for a while.',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    help: 'Your account does not have the role that this route asks for.',
  },
  not_found: { status: 404, title: 'Not found', help: 'There is nothing at this address, or it was deleted.' },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    help: 'The `Allow` header lists the methods that this address knows.',
  },
  timeout: {
    status: 408,
    title: 'Request took too long to arrive',
    help: 'Send the request again over a better connection.',
  },
  conflict: { status: 409, title: 'Conflict', help: 'The request does not fit the present state of the resource.' },
  duplicate: {
    status: 409,
    title: 'Already exists',
    help: 'Another resource has the same unique value; `conflictingId` names it, `conflictingState` says whether it is in the trash.',
  },
  insufficient_stock: {
    status: 409,
    title: 'Not enough stock',
    help: 'At least one product of the order is not there in that quantity; nothing was ordered. `errors` names each short line with what was requested and what is available.',
  },
  invalid_state: {
    status: 409,
    title: 'Not possible in this state',
    help: 'The resource is in a state in which this cannot be done.',
  },
  in_use: {
    status: 409,
    title: 'Still in use',
    help: 'Something refers to this resource. Remove the reference first.',
  },
  last_admin: {
    status: 409,
    title: 'Last administrator',
    help: 'There must always be one enabled administrator. Make somebody else administrator first.',
  },
  own_account: {
    status: 409,
    title: 'Not on your own account',
    help: 'Administrators cannot disable, demote or delete themselves here; ask another administrator.',
  },
  idempotency_running: {
    status: 409,
    title: 'First request still running',
    help: 'A request with the same Idempotency-Key is being worked on. Try again in a moment.',
  },
  precondition_failed: {
    status: 412,
    title: 'Changed meanwhile',
    help: 'The resource is not in the version that `If-Match` names. Read it again and repeat the change.',
  },
  too_large: {
    status: 413,
    title: 'Too large',
    help: 'The body or file is larger than allowed; `limit` gives the number of bytes.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    help: 'The body, or the content of the file whatever its name says, is of a type that this route does not take.',
  },
  range_not_satisfiable: {
    status: 416,
    title: 'Range not satisfiable',
    help: 'The `Range` header asks for bytes beyond the end; `Content-Range` gives the length.',
  },
  validation: {
    status: 422,
    title: 'Invalid fields',
    help: '`errors` lists every field that is not right, with a JSON pointer and what to do.',
  },
  idempotency_mismatch: {
    status: 422,
    title: 'Idempotency-Key used for another request',
    help: 'Use a new key for a new request.',
  },
  weak_password: { status: 422, title: 'Password not accepted', help: 'Choose a password that follows the policy.' },
  rate_limited: { status: 429, title: 'Too many requests', help: 'Wait for the seconds in `Retry-After`.' },
  locked: {
    status: 429,
    title: 'Temporarily locked',
    help: 'There were too many failed sign-ins. Wait for the seconds in `Retry-After`.',
  },
  header_too_large: { status: 431, title: 'Header too large', help: 'Send fewer or smaller headers.' },
  internal: {
    status: 500,
    title: 'Something went wrong',
    help: 'The fault is ours and was recorded under the request id.',
  },
  bad_gateway: {
    status: 502,
    title: 'Service not reachable',
    help: 'A service behind the gateway closed the connection. Try again.',
  },
  unavailable: {
    status: 503,
    title: 'Temporarily unavailable',
    help: 'A part of the system is not reachable. Try again after the seconds in `Retry-After`.',
  },
  gateway_timeout: {
    status: 504,
    title: 'Service too slow',
    help: 'A service behind the gateway did not answer in time. Try again.',
  },
} as const satisfies Record<string, { status: number; title: string; help: string }>

/** An error code of the product. */
export type ProblemCode = keyof typeof problems
