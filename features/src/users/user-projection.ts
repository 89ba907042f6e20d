import { type User, type UserState, userDeleted } from '@clientele/contracts/user'
import type { Tx } from '@clientele/platform/data/db'

/** A table that a service keeps of users, with the columns `id` and `version`. */
export type UserProjection = {
  table: string
  /** Stores the state of a user, unless the stored version is the same or newer. */
  apply(state: UserState, tx: Tx): Promise<void>
}

type UserEvent = { type: string; subject: string; data: Pick<User, 'displayName' | 'roles' | 'enabled' | 'version'> }

/** The state of a user after an event. */
export const stateAfter = ({ type, subject, data }: UserEvent): UserState => {
  const deleted = type === userDeleted.type
  const { displayName, version, roles, enabled } = data
  return { id: subject, version, displayName, deleted, roles: deleted || !enabled ? [] : roles }
}
