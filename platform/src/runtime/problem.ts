import {
  type FieldErrorCode,
  type ProblemBody,
  type ProblemCode,
  type ProblemError,
  problems,
} from '@clientele/contracts/problem'
import type { z } from 'zod'

/** Details of a {@link Problem}. The client gets `detail`, `errors` and `extra`; `cause` only goes to the log. */
export type ProblemOptions = {
  detail?: string
  errors?: ProblemError[]
  headers?: Record<string, string>
  /** Extension members of the body (RFC 9457, section 3.2), such as `conflictingId`. */
  extra?: Record<string, unknown>
  cause?: unknown
}

// Clients and proxies log problems.
const maskEmailAddresses = (path: string): string => path.replace(/[^/]*(?:@|%40)[^/]*/g, '*')

/** An error that is sent to the client as a problem (RFC 9457). Any other error that is thrown becomes a 500 without details. */
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

  /** Builds the response body. `instance` is the path of the request without its query; e-mail addresses in it are masked. */
  toBody({ instance, requestId }: { instance?: string; requestId?: string } = {}): ProblemBody {
    const { detail, errors, extra } = this.options
    return {
      type: `/problems/${this.code.replaceAll('_', '-')}`,
      title: problems[this.code].title,
      status: this.status,
      code: this.code,
      ...(detail !== undefined && { detail }),
      ...(instance !== undefined && { instance: maskEmailAddresses(instance) }),
      ...(requestId !== undefined && { requestId }),
      ...(errors !== undefined && { errors }),
      ...extra,
    }
  }
}

/**
 * Creates a 412 `precondition_failed` with the present version of a resource.
 * @param resource for the detail, such as `the customer`
 */
export const preconditionFailed = (resource: string, { version }: { version: number }): Problem =>
  new Problem('precondition_failed', {
    detail: `${resource} is at version ${version}`,
    extra: { current: { version, etag: `"${version}"` } },
  })

/**
 * Creates a 428 `precondition_required` with the present version of a resource.
 * @param detail why the change needs `If-Match`
 */
export const preconditionRequired = (detail: string, { version }: { version: number }): Problem =>
  new Problem('precondition_required', { detail, extra: { current: { version, etag: `"${version}"` } } })

/** Creates a 422 `validation` with one error at `pointer` (RFC 6901). */
export const fieldProblem = (pointer: string, code: FieldErrorCode, message: string): Problem =>
  new Problem('validation', { detail: message, errors: [{ pointer, code, message }] })

const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

const errorsOf = (issue: z.core.$ZodIssue): ProblemError[] => {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      pointer: pointerOf([...issue.path, key]),
      code: 'unknown_field',
      message: 'is not a field that can be set',
    }))
  if (issue.code === 'invalid_union') {
    // If exactly one alternative accepts all the keys that were sent, report its errors.
    const [match, ...others] = issue.errors.filter((issues) => issues.every(({ code }) => code !== 'unrecognized_keys'))
    if (match && others.length === 0)
      return match.flatMap((nested) => errorsOf({ ...nested, path: [...issue.path, ...nested.path] }))
  }
  const missing = (issue.code === 'invalid_type' || issue.code === 'invalid_union') && issue.input === undefined
  const customCode = issue.code === 'custom' ? (issue.params as { code?: FieldErrorCode } | undefined)?.code : undefined
  return [
    {
      pointer: pointerOf(issue.path),
      code: missing ? 'required' : (customCode ?? issue.code),
      message: missing ? 'is required' : issue.message,
    },
  ]
}

/** Creates a 422 `validation` with every error of a body. A custom issue can set its code in `params.code`. */
export const validationProblem = (error: z.ZodError): Problem => {
  const errors = error.issues.slice(0, 100).flatMap(errorsOf).slice(0, 100)
  return new Problem('validation', {
    detail: `${errors.length} ${errors.length === 1 ? 'field is' : 'fields are'} not valid`,
    errors,
  })
}

/**
 * Creates a 400 for query, path or header parameters. A custom issue can set `params.code` and `params.parameter`; the code
 * `unknown_parameter` becomes the code of the problem.
 */
export const parameterProblem = (error: z.ZodError): Problem => {
  const errors = error.issues.flatMap((issue): ProblemError[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({
        parameter: key,
        code: 'unknown_parameter',
        message: 'is not a known parameter',
      }))
    const custom = (issue.code === 'custom' ? issue.params : undefined) as
      | { code?: FieldErrorCode; parameter?: string }
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
