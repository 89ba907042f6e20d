import { Problem } from '@clientele/platform/runtime/problem'

const retryAfter = { 'Retry-After': '5' }

/** What Keycloak answered when it was not 2xx; `fields` holds its JSON. */
export class KeycloakFault extends Error {
  override name = 'KeycloakFault'
  readonly status: number
  readonly fields: Record<string, unknown>

  constructor(status: number, fields: Record<string, unknown>) {
    super(`Keycloak answered ${status} ${typeof fields['error'] === 'string' ? fields['error'] : ''}`.trim())
    this.status = status
    this.fields = fields
  }
}

const objectOf = (body: unknown): Record<string, unknown> => {
  if (typeof body === 'object' && body !== null) return body as Record<string, unknown>
  try {
    const parsed: unknown = JSON.parse(String(body))
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

export const faultOf = (status: number, body: unknown): KeycloakFault => new KeycloakFault(status, objectOf(body))

/** 503: Keycloak did not answer, or answered that it cannot now. */
export const keycloakUnavailable = (cause: unknown): Problem =>
  new Problem('unavailable', { detail: 'the identity provider is not reachable', headers: retryAfter, cause })

const pointers: Record<string, string> = {
  username: '/username',
  email: '/email',
  firstName: '/name',
  lastName: '/surname',
}

const duplicate = (message: string): Problem => {
  const pointer = /username/i.test(message) ? '/username' : '/email'
  const text = `is taken by another user`
  return new Problem('duplicate', {
    detail: `the ${pointer.slice(1)} ${text}`,
    errors: [{ pointer, code: 'taken', message: text }],
  })
}

/** The policy's message without Keycloak's prefix: "minimum length 8". */
const weakPassword = (message: string): Problem => {
  const text = message.replace(/^Invalid password:\s*/i, '').replace(/\.$/, '')
  return new Problem('weak_password', {
    detail: text,
    errors: [{ pointer: '/password', code: 'weak_password', message: text }],
  })
}

type FieldFault = { field?: string; errorMessage?: string; params?: unknown[] }

const invalidFields = (fields: Record<string, unknown>): Problem | undefined => {
  const list = Array.isArray(fields['errors']) ? (fields['errors'] as FieldFault[]) : [fields as FieldFault]
  const errors = list.flatMap(({ field, errorMessage }) => {
    const pointer = field === undefined ? undefined : pointers[field]
    const code = (errorMessage ?? 'invalid').replace(/^error-/, '').replaceAll('-', '_')
    const message = code === 'user_attribute_read_only' ? 'cannot be changed in this realm' : code.replaceAll('_', ' ')
    return pointer === undefined ? [] : [{ pointer, code, message }]
  })
  return errors.length === 0
    ? undefined
    : new Problem('validation', { detail: 'Keycloak does not accept these fields', errors })
}

/** Whether Keycloak says that there is no such user; a 404 for another reason (realm, route) is not that. */
export const isUserMissing = (error: unknown): boolean =>
  error instanceof KeycloakFault && error.status === 404 && error.fields['error'] === 'User not found'

export const isGroupMissing = (error: unknown): boolean => error instanceof KeycloakFault && error.status === 404

/** What a caller may be told about a failed call of the Admin API. */
export const problemOf = (error: unknown): Problem => {
  if (error instanceof Problem) return error
  if (!(error instanceof KeycloakFault)) return keycloakUnavailable(error)
  const { status, fields } = error
  const message = String(fields['errorMessage'] ?? fields['error_description'] ?? fields['error'] ?? '')
  if (isUserMissing(error)) return new Problem('not_found', { detail: 'user not found', cause: error })
  if (status === 409) return duplicate(message)
  if (status === 400 && /^invalidPassword/.test(String(fields['error'] ?? ''))) return weakPassword(message)
  if (status === 400) {
    const invalid = invalidFields(fields)
    if (invalid) return invalid
  }
  return keycloakUnavailable(error)
}
