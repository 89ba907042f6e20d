import { Problem } from '@clientele/platform/runtime/problem'
import type { Users } from './user.model.ts'

/** For `.catch`: adds to Keycloak's "is taken" whose it is, where the projection knows. */
export const notDuplicate =
  (users: Users, fields: { username?: string | undefined; email?: string | null | undefined }) =>
  async (error: unknown): Promise<never> => {
    if (!(error instanceof Problem) || error.code !== 'duplicate') throw error
    const byUsername = error.options.errors?.[0]?.pointer === '/username'
    const value = byUsername ? fields.username : fields.email
    const other = value
      ? await users.findOne({ where: { deletedAt: null, ...(byUsername ? { username: value } : { email: value }) } })
      : null
    if (!other) throw error
    throw new Problem('duplicate', { ...error.options, extra: { conflictingId: other.id, conflictingState: 'active' } })
  }
