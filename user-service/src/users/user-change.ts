import type { NewEvent } from '@clientele/contracts/event'
import type { ActorRef } from '@clientele/contracts/fields'
import { maxRevocationsPerEvent, type Revocation } from '@clientele/contracts/revocation'
import {
  type Role,
  type User,
  userCreated,
  userDeleted,
  userDisabled,
  userEnabled,
  userRoleGranted,
  userRoleRevoked,
  userSignedOut,
  userUpdated,
} from '@clientele/contracts/user'
import type { KeycloakUser } from '../keycloak/keycloak-users.ts'
import type { profileOf, projectionOf } from './user.presenter.ts'

type Projection = ReturnType<typeof projectionOf>
type ProfileField = keyof ReturnType<typeof profileOf>

/** The difference between a row and the user in Keycloak. */
export type UserChange = {
  profile: ProfileField[]
  enabled: boolean
  granted: Role[]
  revoked: Role[]
  disabled: boolean
  /** All sessions of the user were ended: Keycloak refuses the tokens that were issued so far. */
  signedOut: boolean
}

export const diffUser = (
  before: Projection & { notBefore: number },
  { roles, enabled, ...profile }: Projection,
  keycloakUser: KeycloakUser,
  sessionsEnded: boolean,
): UserChange => ({
  profile: (Object.keys(profile) as ProfileField[]).filter((field) => before[field] !== profile[field]),
  enabled: before.enabled !== enabled,
  disabled: before.enabled && !enabled,
  granted: roles.filter((role) => !before.roles.includes(role)),
  revoked: before.roles.filter((role) => !roles.includes(role)),
  signedOut: sessionsEnded || keycloakUser.notBefore > before.notBefore,
})

/** True if clients see a difference. */
export const isVisibleChange = ({ profile, enabled, granted, revoked }: UserChange): boolean =>
  profile.length > 0 || enabled || granted.length > 0 || revoked.length > 0

/** The data of an event that revokes tokens. Receivers of an event with as many revocations as fit read the rest. */
const withRevocations = (user: User, revocations: Revocation[]) => ({
  ...user,
  revocations: revocations.slice(0, maxRevocationsPerEvent),
})

/** The events of a change, which revokes these tokens. */
export const eventsOf = (
  before: User,
  after: User,
  change: UserChange,
  actor: ActorRef,
  revocations: Revocation[],
): NewEvent[] => {
  const revoking = withRevocations(after, revocations)
  const fields = {
    changed: change.profile as string[],
    previous: Object.fromEntries(change.profile.map((field) => [field, before[field]])),
  }
  const roles = { changed: ['roles'], previous: { roles: before.roles } }
  const enabled = { changed: ['enabled'], previous: { enabled: before.enabled } }
  return [
    ...(change.profile.length > 0 ? [userUpdated.of(after, actor, fields)] : []),
    ...change.granted.map((role) => userRoleGranted.of({ ...after, role }, actor, roles)),
    ...change.revoked.map((role) => userRoleRevoked.of({ ...revoking, role }, actor, roles)),
    ...(change.disabled ? [userDisabled.of(revoking, actor, enabled)] : []),
    ...(change.enabled && !change.disabled ? [userEnabled.of(after, actor, enabled)] : []),
    // Disabling a user signs the user out as well, which needs no event of its own.
    ...(change.signedOut && !change.disabled ? [userSignedOut.of(revoking, actor)] : []),
  ]
}

export const createdEvent = (user: User, actor: ActorRef, createCustomer: boolean): NewEvent =>
  userCreated.of({ ...user, ...(createCustomer && { createCustomer }) }, actor)
export const deletedEvent = (user: User, actor: ActorRef, revocations: Revocation[]): NewEvent =>
  userDeleted.of(withRevocations(user, revocations), actor)
export const signedOutEvent = (user: User, actor: ActorRef, revocations: Revocation[]): NewEvent =>
  userSignedOut.of(withRevocations(user, revocations), actor)
