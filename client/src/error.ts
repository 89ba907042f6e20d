import type { Problem, ProblemCode, ProblemError } from './generated/api.ts'

/**
 * The codes of the API, and those of this client. `network_error`: there was no response. `timed_out`: it took longer than
 * `timeoutMs`. `unexpected_response`: it did not come from Clientele, but for example from a proxy in between.
 */
export type ErrorCode = ProblemCode | 'network_error' | 'timed_out' | 'unexpected_response'

type ErrorDetails = {
  code: ErrorCode
  message: string
  status?: number
  problem?: Problem
  requestId?: string | undefined
  retryAfterMs?: number | undefined
  cause?: unknown
}

/** What every call throws, unless its own signal cancels it. */
export class ClienteleError extends Error {
  override readonly name = 'ClienteleError'
  readonly code: ErrorCode
  /** The status of the response; 0 without one. */
  readonly status: number
  /** The invalid fields and parameters. `pointer` is a JSON pointer into the body, such as `/email`. */
  readonly errors: readonly ProblemError[]
  /** The id that the server's log has of the request. */
  readonly requestId: string | undefined
  /** The whole problem (RFC 9457), with the fields that only some codes have. */
  readonly problem: Problem | undefined
  /** How long the server asks to wait before the next attempt. */
  readonly retryAfterMs: number | undefined

  constructor({ code, message, status = 0, problem, requestId, retryAfterMs, cause }: ErrorDetails) {
    super(message, { cause })
    this.code = code
    this.status = status
    this.problem = problem
    this.errors = problem?.errors ?? []
    this.requestId = problem?.requestId ?? requestId
    this.retryAfterMs = retryAfterMs
  }
}

const parseProblem = (text: string): Problem | undefined => {
  try {
    const problem = JSON.parse(text)
    return typeof problem?.code === 'string' ? problem : undefined
  } catch {
    return undefined
  }
}

// A proxy in front of the gateway responds without a problem.
const codeByStatus: Record<number, ErrorCode> = {
  413: 'too_large',
  429: 'rate_limited',
  502: 'bad_gateway',
  503: 'unavailable',
  504: 'gateway_timeout',
}

/** Milliseconds from seconds or from a date. */
const retryAfterMs = (header: string | null): number | undefined => {
  if (header === null) return undefined
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}

/** Reads an error response. `route` names the operation without the values in its path, which may be personal data. */
export const errorOf = async (route: string, response: Response): Promise<ClienteleError> => {
  const { status, headers } = response
  const problem = parseProblem(await response.text())
  const code = problem?.code ?? codeByStatus[status] ?? 'unexpected_response'
  const detail = problem
    ? `${problem.title}${problem.detail === undefined ? '' : `: ${problem.detail}`}`
    : 'no problem document'
  return new ClienteleError({
    code,
    status,
    message: `${route}: ${status} ${code}: ${detail}`,
    requestId: headers.get('x-request-id') ?? undefined,
    retryAfterMs: retryAfterMs(headers.get('retry-after')),
    ...(problem && { problem }),
  })
}
