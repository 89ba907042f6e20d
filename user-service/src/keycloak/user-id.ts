/**
 * Ids of users are UUIDs, or `f:…` for users whom a federation provider does not import. Other paths below `users/` belong to
 * the realm: `users/profile` is the configuration of its user profile.
 */
export const isUserId = (id: string | undefined): id is string =>
  id !== undefined && /^(f:.+|[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12})$/i.test(id)
