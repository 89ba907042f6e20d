import type { NewEvent } from '@clientele/contracts/event'
import type { ActorRef } from '@clientele/contracts/fields'
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
import type { Person } from '../keycloak/people.ts'
import type { profileOf, projectionOf } from './user.presenter.ts'

type Projection = ReturnType<typeof projectionOf>
type ProfileField = keyof ReturnType<typeof profileOf>

/** What differs between the projection and Keycloak. */
export type UserChange = {
  profile: ProfileField[]
  enabled: boolean
  granted: Role[]
  revoked: Role[]
  /** Keycloak voided the tokens issued so far. */
  signedOut: boolean
}

export const compare = (
  before: Projection & { notBefore: number },
  { roles, enabled, ...profile }: Projection,
  person: Person,
): UserChange => ({
  profile: (Object.keys(profile) as ProfileField[]).filter((field) => before[field] !== profile[field]),
  enabled: before.enabled !== enabled,
  granted: roles.filter((role) => !before.roles.includes(role)),
  revoked: before.roles.filter((role) => !roles.includes(role)),
  signedOut: person.notBefore > before.notBefore,
})

/** Whether what a client sees is another than before. */
export const isVisible = ({ profile, enabled, granted, revoked }: UserChange): boolean =>
  profile.length > 0 || enabled || granted.length > 0 || revoked.length > 0

/** The events of a change, in the order in which they read best. */
export const eventsOf = (before: User, after: User, change: UserChange, actor: ActorRef): NewEvent[] => {
  const fields = {
    changed: change.profile as string[],
    previous: Object.fromEntries(change.profile.map((field) => [field, before[field]])),
  }
  const roles = { changed: ['roles'], previous: { roles: before.roles } }
  const enabled = { changed: ['enabled'], previous: { enabled: before.enabled } }
  const disabled = change.enabled && !after.enabled
  return [
    ...(change.profile.length > 0 ? [userUpdated.of(after, actor, fields)] : []),
    ...change.granted.map((role) => userRoleGranted.of({ ...after, role }, actor, roles)),
    ...change.revoked.map((role) => userRoleRevoked.of({ ...after, role }, actor, roles)),
    ...(change.enabled ? [(disabled ? userDisabled : userEnabled).of(after, actor, enabled)] : []),
    // Who is disabled is signed out by it; a second event would tell the same.
    ...(change.signedOut && !disabled ? [userSignedOut.of(after, actor)] : []),
  ]
}

export const createdEvent = (user: User, actor: ActorRef, createCustomer: boolean): NewEvent =>
  userCreated.of({ ...user, ...(createCustomer && { createCustomer }) }, actor)
export const deletedEvent = (user: User, actor: ActorRef): NewEvent => userDeleted.of(user, actor)
export const signedOutEvent = (user: User, actor: ActorRef): NewEvent => userSignedOut.of(user, actor)
