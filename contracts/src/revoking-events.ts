import { userDeleted, userDisabled, userRoleRevoked, userSignedOut } from './user.ts'

/** The events of user-service that revoke access tokens. Every process that accepts tokens receives them. */
export const revokingEvents = [userDisabled, userDeleted, userRoleRevoked, userSignedOut]
