/**
 * All error codes with their status, title and help. The `type` of a problem is `/problems/<code with dashes>`, where the gateway
 * serves a page with `title` and `help`.
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
    help: 'The request has a query parameter that this route does not know. The API documentation lists the parameters of each route.',
  },
  invalid_parameter: {
    status: 400,
    title: 'Invalid parameter',
    help: 'A query parameter, path parameter or header has an invalid value. `errors` names it.',
  },
  unauthorized: {
    status: 401,
    title: 'Not signed in',
    help: 'Send a valid access token: `Authorization: Bearer <token>`.',
  },
  invalid_token: {
    status: 401,
    title: 'Invalid token',
    help: 'The access token is malformed, expired, revoked, or was issued for another audience. Sign in again or refresh it. If the audience is missing, add the client scope `clientele-api` to the client in Keycloak.',
  },
  invalid_credentials: {
    status: 401,
    title: 'Wrong username or password',
    help: 'Check the username and the password. After several failures the account is locked for a while.',
  },
  reauthentication_required: {
    status: 401,
    title: 'Sign in again',
    help: 'This change requires a sign-in of the last five minutes. Sign in again, by `POST /v1/auth/login` or at Keycloak with `max_age=300`, and repeat the request with the new access token.',
  },
  otp_required: {
    status: 401,
    title: 'One-time code required',
    help: 'The password is right, and the account has a second factor. Sign in again with the current code of the authenticator app as `totp`.',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    help: 'Your account does not have a role that this route requires.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    help: 'The resource or route does not exist, or the resource was deleted.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    help: 'The `Allow` header lists the methods that this path supports.',
  },
  not_acceptable: {
    status: 406,
    title: 'No such representation',
    help: 'The response does not come in a media type that `Accept` names. `detail` says which one to ask for.',
  },
  timeout: {
    status: 408,
    title: 'Request timeout',
    help: 'The request took too long to arrive. Retry it over a better connection.',
  },
  conflict: { status: 409, title: 'Conflict', help: 'The request conflicts with the current state of the resource.' },
  duplicate: {
    status: 409,
    title: 'Already exists',
    help: 'Another resource has the same unique value. `conflictingId` names it, and `conflictingState` says whether it is in the trash.',
  },
  insufficient_stock: {
    status: 409,
    title: 'Not enough stock',
    help: 'At least one product does not have enough stock, and the order was not placed. `errors` names each such line with the requested and the available quantity.',
  },
  price_changed: {
    status: 409,
    title: 'The price has changed',
    help: 'A product has another price, or the order another total, than the request expects, and the order was not placed. `errors` names each with the expected and the present value. Show the present prices, and place the order again with them.',
  },
  invalid_state: {
    status: 409,
    title: 'Not possible in this state',
    help: 'The current state of the resource does not allow this.',
  },
  in_use: {
    status: 409,
    title: 'Still in use',
    help: 'Another resource refers to this one. Remove the reference first.',
  },
  last_admin: {
    status: 409,
    title: 'Last admin',
    help: 'There must always be an enabled admin. Make another user an admin first.',
  },
  own_account: {
    status: 409,
    title: 'Not on your own account',
    help: 'Admins cannot disable, demote or delete their own account here. Ask another admin.',
  },
  idempotency_running: {
    status: 409,
    title: 'First request still running',
    help: 'The first request with this `Idempotency-Key` is still being handled. Retry in a moment.',
  },
  gone: {
    status: 410,
    title: 'No longer available',
    help: 'The events that you ask for are not kept any more. `oldest` and `newest` say what there is. Read the records again as they are now, and go on from `oldest` or `newest`.',
  },
  precondition_failed: {
    status: 412,
    title: 'Precondition failed',
    help: 'The resource has changed since the version that `If-Match` names, or it exists although `If-None-Match: *` was sent. `current` has its present version. Read it again and repeat the change.',
  },
  too_large: {
    status: 413,
    title: 'Too large',
    help: 'The body or file is larger than allowed. `limit` is the maximum in bytes.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    help: 'This route does not accept the media type of the body or file. `supported` lists those that it accepts. The type of a file is detected from its content, not from its name.',
  },
  range_not_satisfiable: {
    status: 416,
    title: 'Range not satisfiable',
    help: 'The `Range` header asks for bytes beyond the end. `Content-Range` has the length.',
  },
  expectation_failed: {
    status: 417,
    title: 'Expectation failed',
    help: 'The server supports no `Expect` header but `100-continue`. Leave it out.',
  },
  misdirected: {
    status: 421,
    title: 'Unknown host',
    help: 'The `Host` header names a host that this installation does not serve. Use its public address. Its operator can add names with `ALLOWED_HOSTS`.',
  },
  precondition_required: {
    status: 428,
    title: 'If-Match is required',
    help: 'The change could overwrite another one that you have not seen. Read the resource, and send its ETag as `If-Match`. `current` has its present version.',
  },
  validation: {
    status: 422,
    title: 'Invalid fields',
    help: '`errors` lists every invalid field with a JSON pointer and a message.',
  },
  idempotency_mismatch: {
    status: 422,
    title: 'Idempotency-Key used for another request',
    help: 'An `Idempotency-Key` belongs to one request. Use a new key for a new request.',
  },
  weak_password: { status: 422, title: 'Password not accepted', help: 'Choose a password that follows the policy.' },
  rate_limited: { status: 429, title: 'Too many requests', help: 'Retry after the seconds in `Retry-After`.' },
  quota_exceeded: {
    status: 429,
    title: 'Quota exceeded',
    help: 'You have as many jobs, files or images as one user may have. `detail` names the limit and what to remove or to wait for.',
  },
  locked: {
    status: 429,
    title: 'Temporarily locked',
    help: 'There were too many failed sign-ins. Retry after the seconds in `Retry-After`.',
  },
  header_too_large: { status: 431, title: 'Header too large', help: 'Send fewer or smaller headers.' },
  internal: {
    status: 500,
    title: 'Internal error',
    help: 'An unexpected error occurred. It was logged with the request id.',
  },
  bad_gateway: {
    status: 502,
    title: 'Bad gateway',
    help: 'A service behind the gateway closed the connection. Retry the request.',
  },
  unavailable: {
    status: 503,
    title: 'Temporarily unavailable',
    help: 'A service or one of its backing services is unavailable. Retry after the seconds in `Retry-After`.',
  },
  insufficient_storage: {
    status: 507,
    title: 'Storage is full',
    help: 'All users together store as much as the installation allows. Remove files that you do not need, or ask the operator.',
  },
  gateway_timeout: {
    status: 504,
    title: 'Gateway timeout',
    help: 'A service behind the gateway did not respond in time. Retry the request.',
  },
} as const satisfies Record<string, { status: number; title: string; help: string }>

/** An error code of the product. */
export type ProblemCode = keyof typeof problems
