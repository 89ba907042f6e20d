import { type ClientChange, clientChange } from './client-change.ts'
import { isUserId } from './user-id.ts'

/** What an event changes for user-service. `other` is of no interest. */
export type KeycloakChange =
  /**
   * `mayRevokeAccess`: the user may have lost roles, or the whole account. `signedUp`: the user signed up at Keycloak's own
   * page, or came from an identity provider for the first time.
   */
  | { kind: 'user'; userId: string; mayRevokeAccess: boolean; signedUp?: boolean }
  /**
   * A new password, a removed credential, or an unlinked identity provider. `sessionId` is the session in which the user did
   * it, if there is one.
   */
  | { kind: 'credentials'; userId: string; sessionId: string | undefined }
  /** The user followed a link in a mail, so the account has changed, and its owner was there. */
  | { kind: 'mail_link_followed'; userId: string }
  /** Keycloak's lock after failed sign-ins was lifted. */
  | { kind: 'unlocked'; userId: string }
  | { kind: 'login'; userId: string; sessionId: string }
  | { kind: 'logout'; userId: string; sessionId: string }
  | { kind: 'session_removed'; sessionId: string }
  | { kind: 'all_signed_out'; notBefore: number }
  | { kind: 'group_roles'; groupId: string }
  | { kind: 'all_roles' }
  | ClientChange
  | { kind: 'other' }

/** An entry of the admin log, as Keycloak 26 returns it. */
export type AdminEntry = {
  id: string
  time: number
  operationType?: string
  resourceType?: string
  resourcePath?: string
  representation?: string
  error?: string
  authDetails?: { userId?: string }
}
/** An entry of the user log. */
export type UserEntry = {
  id: string
  time: number
  type?: string
  userId?: string
  sessionId?: string
  error?: string
  details?: Record<string, string>
}

/** Keycloak logs it for users who come from an identity provider too (`register_method` is `broker`). */
export const signUpType = 'REGISTER'

const fieldOf = (representation: string | undefined, name: string): unknown => {
  try {
    return (JSON.parse(representation ?? '{}') as Record<string, unknown>)[name]
  } catch {
    return undefined
  }
}

type AdminEntryFields = Omit<AdminEntry, 'id'>

/** Keycloak's console sends the whole realm on every save; only its `notBefore` matters here. */
const realmChange = ({ operationType, representation }: AdminEntryFields): KeycloakChange | undefined => {
  const notBefore = operationType === 'UPDATE' ? fieldOf(representation, 'notBefore') : undefined
  return typeof notBefore === 'number' && notBefore > 0 ? { kind: 'all_signed_out', notBefore } : undefined
}

/** A moved group inherits other roles. A deleted group's members cannot be read any more, so all users are checked. */
const groupChange = ({
  operationType,
  resourcePath = '',
  representation,
}: AdminEntryFields): KeycloakChange | undefined => {
  if (operationType === 'DELETE') return { kind: 'all_roles' }
  const [, id, part] = resourcePath.split('/')
  const isMove = operationType === 'UPDATE' && (part === 'children' || !id)
  if (!isMove) return undefined
  const groupId = fieldOf(representation, 'id')
  return typeof groupId === 'string' ? { kind: 'group_roles', groupId } : { kind: 'all_roles' }
}

const roleChange = ({ operationType }: AdminEntryFields): KeycloakChange | undefined =>
  operationType === 'DELETE' ? { kind: 'all_roles' } : undefined

const changeByResourceType = new Map([
  ['REALM', realmChange],
  ['GROUP', groupChange],
  ['REALM_ROLE', roleChange],
  ['CLIENT', clientChange],
])

/**
 * Whether an administrator set a password, or took a way to sign in: a credential (`credentials/{id}`) or an identity provider
 * (`federated-identity/{alias}`). `parts` is the path below `users/{id}`.
 */
const isCredentialChange = (parts: string[], operationType: string | undefined): boolean =>
  parts[0] === 'reset-password' ||
  parts[0] === 'disable-credential-types' ||
  (parts[0] === 'credentials' && parts.length === 2) ||
  (parts[0] === 'federated-identity' && operationType === 'DELETE')

/** `attack-detection/brute-force/users/{id}`. Without an id, all users of the realm are unlocked, which is not followed. */
const unlockOf = (operationType: string | undefined, [, userId]: string[]): KeycloakChange =>
  operationType === 'DELETE' && userId ? { kind: 'unlocked', userId } : { kind: 'other' }

const changeByPath = ({ operationType, resourcePath = '', time }: AdminEntryFields): KeycloakChange | undefined => {
  if (resourcePath === 'logout-all') return { kind: 'all_signed_out', notBefore: Math.floor(time / 1000) }
  const [first, id, ...parts] = resourcePath.split('/')
  if (first === 'attack-detection') return unlockOf(operationType, parts)
  if (first === 'users' && isUserId(id) && isCredentialChange(parts, operationType))
    return { kind: 'credentials', userId: id, sessionId: undefined }
  if (first === 'users' && isUserId(id))
    return { kind: 'user', userId: id, mayRevokeAccess: operationType !== 'CREATE' }
  if (first === 'sessions' && id && operationType === 'DELETE') return { kind: 'session_removed', sessionId: id }
  if (first === 'groups' && id && parts[0] === 'role-mappings') return { kind: 'group_roles', groupId: id }
  return resourcePath.endsWith('/composites') ? { kind: 'all_roles' } : undefined
}

/** Classifies an admin event. The resource paths are those of Keycloak 26, for example `users/{id}/role-mappings/realm`. */
export const adminChange = (entry: AdminEntryFields): KeycloakChange => {
  const { error, resourceType = '' } = entry
  const change = error ? undefined : (changeByPath(entry) ?? changeByResourceType.get(resourceType)?.(entry))
  return change ?? { kind: 'other' }
}

/**
 * A credential that was added, such as a second factor, takes nothing from anybody: only a new password counts. An identity of a
 * provider may replace another one.
 */
const isCredentialEvent = ({ type = '', details }: Omit<UserEntry, 'id' | 'time'>): boolean =>
  ['REMOVE_CREDENTIAL', 'REMOVE_FEDERATED_IDENTITY', 'FEDERATED_IDENTITY_OVERRIDE_LINK'].includes(type) ||
  (type === 'UPDATE_CREDENTIAL' && (details?.['credential_type'] ?? 'password') === 'password')

/** Classifies a user event. */
export const userChange = (entry: Omit<UserEntry, 'id' | 'time'>): KeycloakChange => {
  const { type, userId, sessionId = '', error, details } = entry
  if (!userId || error) return { kind: 'other' }
  if (type === 'LOGIN') return { kind: 'login', userId, sessionId }
  if (type === 'LOGOUT') return { kind: 'logout', userId, sessionId }
  // Keycloak's `code_id` is the id of the session that the sign-in page belongs to.
  if (isCredentialEvent(entry)) return { kind: 'credentials', userId, sessionId: sessionId || details?.['code_id'] }
  if (type === 'UPDATE_CREDENTIAL') return { kind: 'other' }
  if (type === 'VERIFY_EMAIL') return { kind: 'mail_link_followed', userId }
  return { kind: 'user', userId, mayRevokeAccess: type === 'DELETE_ACCOUNT', signedUp: type === signUpType }
}
