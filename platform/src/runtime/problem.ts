import { type ProblemBody, type ProblemCode, type ProblemError, problems } from '@clientele/contracts/problem'
import type { z } from 'zod'

/** Details of a {@link Problem}. `detail` and `errors` are shown to the caller; `cause` only to the log. */
export type ProblemOptions = {
  detail?: string
  errors?: ProblemError[]
  headers?: Record<string, string>
  /** Further members of the body (RFC 9457, section 3.2), such as `conflictingId`. */
  extra?: Record<string, unknown>
  cause?: unknown
}

// Problems end up in the logs of clients and proxies.
const withoutAddresses = (path: string): string => path.replace(/[^/]*(?:@|%40)[^/]*/g, '*')

/** The one error class: whatever a caller may be told. Everything else that is thrown becomes a bland 500. */
export class Problem extends Error {
  override name = 'Problem'
  readonly code: ProblemCode
  readonly status: number
  readonly options: ProblemOptions

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    super(options.detail ?? problems[code].title, { cause: options.cause })
    this.code = code
    this.status = problems[code].status
    this.options = options
  }

  /** The body to send. `instance` is the request's path without its query; e-mail addresses in it are left out. */
  toBody({ instance, requestId }: { instance?: string; requestId?: string } = {}): ProblemBody {
    const { detail, errors, extra } = this.options
    return {
      type: `/problems/${this.code.replaceAll('_', '-')}`,
      title: problems[this.code].title,
      status: this.status,
      code: this.code,
      ...(detail !== undefined && { detail }),
      ...(instance !== undefined && { instance: withoutAddresses(instance) }),
      ...(requestId !== undefined && { requestId }),
      ...(errors !== undefined && { errors }),
      ...extra,
    }
  }
}

/** 422 `validation` with one error at `pointer` (RFC 6901). */
export const fieldProblem = (pointer: string, code: string, message: string): Problem =>
  new Problem('validation', { detail: message, errors: [{ pointer, code, message }] })

const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

const explain = (issue: z.core.$ZodIssue): ProblemError[] => {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      pointer: pointerOf([...issue.path, key]),
      code: 'unknown_field',
      message: 'is not a field of this resource that can be set',
    }))
  if (issue.code === 'invalid_union') {
    // The one alternative that knows every key that was sent is the one that was meant.
    const [meant, ...others] = issue.errors.filter((faults) => faults.every(({ code }) => code !== 'unrecognized_keys'))
    if (meant && others.length === 0)
      return meant.flatMap((fault) => explain({ ...fault, path: [...issue.path, ...fault.path] }))
  }
  const missing = (issue.code === 'invalid_type' || issue.code === 'invalid_union') && issue.input === undefined
  const own = issue.code === 'custom' ? (issue.params as { code?: string } | undefined)?.code : undefined
  return [
    {
      pointer: pointerOf(issue.path),
      code: missing ? 'required' : (own ?? issue.code),
      message: missing ? 'is required' : issue.message,
    },
  ]
}

/** 422 `validation` with every fault of a body; `params.code` of a custom issue is its code. */
export const validationProblem = (error: z.ZodError): Problem => {
  const errors = error.issues.slice(0, 100).flatMap(explain).slice(0, 100)
  return new Problem('validation', {
    detail: `${errors.length} ${errors.length === 1 ? 'field is' : 'fields are'} not valid`,
    errors,
  })
}

/** 400 for a query string, path or header; `params.code` of a custom issue chooses `unknown_parameter`. */
export const parameterProblem = (error: z.ZodError): Problem => {
  const errors = error.issues.flatMap((issue): ProblemError[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ parameter: key, code: 'unknown_parameter', message: 'is not known here' }))
    const custom = (issue.code === 'custom' ? issue.params : undefined) as
      | { code?: string; parameter?: string }
      | undefined
    return [
      {
        parameter: custom?.parameter ?? issue.path.join('.'),
        code: custom?.code ?? 'invalid_parameter',
        message: issue.message,
      },
    ]
  })
  const unknown = errors.some(({ code }) => code === 'unknown_parameter')
  const detail = errors
    .map(({ parameter, message }) => `${parameter}: ${message}`)
    .join('; ')
    .slice(0, 1000)
  return new Problem(unknown ? 'unknown_parameter' : 'invalid_parameter', { detail, errors: errors.slice(0, 100) })
}
