import { type FieldErrorCode, isFieldErrorCode } from '@clientele/contracts/field-error'
import type { ProblemError } from '@clientele/contracts/problem'
import { Problem } from '@clientele/platform/runtime/problem'

const retryAfter = { 'Retry-After': '5' }

/** A response of Keycloak other than 2xx. `fields` is its JSON body, `{}` if it has none. */
export class KeycloakError extends Error {
  override name = 'KeycloakError'
  readonly status: number
  readonly fields: Record<string, unknown>

  constructor(status: number, fields: Record<string, unknown>) {
    super(`Keycloak responded with ${status} ${typeof fields['error'] === 'string' ? fields['error'] : ''}`.trim())
    this.status = status
    this.fields = fields
  }
}

const parseObject = (body: unknown): Record<string, unknown> => {
  if (typeof body === 'object' && body !== null) return body as Record<string, unknown>
  try {
    const parsed: unknown = JSON.parse(String(body))
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

export const toKeycloakError = (status: number, body: unknown): KeycloakError =>
  new KeycloakError(status, parseObject(body))

/** 503 with `Retry-After`: Keycloak cannot be reached, or fails. */
export const keycloakUnavailable = (cause: unknown): Problem =>
  new Problem('unavailable', { detail: 'the identity provider is unavailable', headers: retryAfter, cause })

/** 500: retrying does not help, an operator has to give the service account its rights or its secret. */
const refusedServiceAccount = (cause: KeycloakError, message: string): Problem => {
  const reason =
    cause.status === 401
      ? "Keycloak refuses user-service's service account: its secret is wrong, or its client is disabled"
      : 'the service account of user-service lacks a role in Keycloak: it needs manage-users, view-users, query-users and view-events of realm-management'
  return new Problem('internal', { detail: message ? `${reason} (${message})` : reason, cause })
}

const pointers: Record<string, string> = {
  username: '/username',
  email: '/email',
  firstName: '/name',
  lastName: '/surname',
}

const duplicate = (message: string): Problem => {
  const pointer = /username/i.test(message) ? '/username' : '/email'
  return new Problem('duplicate', {
    detail: `another user has this ${pointer.slice(1)}`,
    errors: [{ pointer, code: 'taken', message: 'belongs to another user' }],
  })
}

/** Drops Keycloak's prefix: "Invalid password: minimum length 8." becomes "minimum length 8". */
const weakPassword = (message: string): Problem => {
  const reason = message.replace(/^Invalid password:\s*/i, '').replace(/\.$/, '')
  // Keycloak's words for a password of its list of common ones.
  const text = reason === 'password is not allowed' ? 'must not be a common password' : reason
  return new Problem('weak_password', {
    detail: text,
    errors: [{ pointer: '/password', code: 'weak_password', message: text }],
  })
}

type FieldError = { field?: string; errorMessage?: string; params?: unknown[] }

const ruleTexts: Record<string, string> = {
  user_attribute_required: 'is required',
  user_attribute_read_only: 'cannot be changed in this realm',
  // The pattern of Keycloak's PersonNameProhibitedCharactersValidator.
  person_name_invalid_character:
    'must not have control characters or any of < > & " $ % ! # ? § ; * ~ / \\ | ^ = [ ] { } ( )',
}
// Validators of a realm have codes of their own, which are `invalid` here.
const ruleCodes: Record<string, FieldErrorCode> = {
  user_attribute_required: 'required',
  user_attribute_read_only: 'read_only',
}
const codeOf = (rule: string): FieldErrorCode => ruleCodes[rule] ?? (isFieldErrorCode(rule) ? rule : 'invalid')

/** Keycloak's rule as code and words: `error-invalid-length` with 3 and 5 becomes `invalid_length`, "invalid length: 3, 5". */
const ruleOf = ({ errorMessage = 'invalid', params = [] }: FieldError): { code: FieldErrorCode; message: string } => {
  // A validator of the realm can have a message of its own.
  if (!/^[a-z][a-zA-Z-]*$/.test(errorMessage)) return { code: 'invalid', message: errorMessage.slice(0, 500) }
  const rule = errorMessage.replace(/^error-/, '').replaceAll('-', '_')
  const [, ...limits] = params.filter((param) => ['string', 'number'].includes(typeof param))
  const words = [rule.replaceAll('_', ' '), limits.join(', ')].filter(Boolean).join(': ')
  return { code: codeOf(rule), message: ruleTexts[rule] ?? words.slice(0, 500) }
}

const escapePointer = (part: string): string => part.replaceAll('~', '~0').replaceAll('/', '~1')

const fieldError = (error: FieldError): ProblemError => {
  const { code, message } = ruleOf(error)
  const { field } = error
  if (field === undefined) return { pointer: '', code, message }
  const pointer = pointers[field]
  if (pointer !== undefined) return { pointer, code, message }
  return {
    pointer: `/attributes/${escapePointer(field)}`,
    code,
    message: `the attribute ${field} of the user profile in Keycloak: ${message}`,
  }
}

const invalidRequest = (fields: Record<string, unknown>, message: string): Problem => {
  const list = Array.isArray(fields['errors']) ? (fields['errors'] as FieldError[]) : [fields as FieldError]
  const errors = list.map((error) => fieldError({ ...error, errorMessage: error.errorMessage ?? message }))
  const detail = `Keycloak refuses ${list.some(({ field }) => field !== undefined) ? 'some fields' : 'the request'}`
  return new Problem('validation', { detail: [detail, ...errors.map((error) => error.message)].join('; '), errors })
}

/** True for a 404 that means "no such user", not "no such realm" or "no such route". */
export const isUserMissing = (error: unknown): boolean =>
  error instanceof KeycloakError && error.status === 404 && error.fields['error'] === 'User not found'

export const isGroupMissing = (error: unknown): boolean => error instanceof KeycloakError && error.status === 404

/** The problem that a client gets for a failed call of the Admin API. Only `unavailable` is worth a retry. */
export const toProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error
  if (!(error instanceof KeycloakError)) return keycloakUnavailable(error)
  const { status, fields } = error
  const message = String(fields['errorMessage'] ?? fields['error_description'] ?? fields['error'] ?? '')
  if (status === 400 && /^invalidPassword/.test(String(fields['error'] ?? ''))) return weakPassword(message)
  if (status === 400) return invalidRequest(fields, message || 'invalid')
  if (status === 401 || status === 403) return refusedServiceAccount(error, message)
  if (isUserMissing(error)) return new Problem('not_found', { detail: 'user not found', cause: error })
  if (status === 404) return new Problem('not_found', { detail: `Keycloak: ${message || 'not found'}`, cause: error })
  if (status === 409) return duplicate(message)
  if (status < 500 && status !== 408 && status !== 429)
    return new Problem('internal', {
      detail: `Keycloak refuses a request of user-service (${status} ${message})`,
      cause: error,
    })
  return keycloakUnavailable(error)
}
