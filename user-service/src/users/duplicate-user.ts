import { Problem } from '@clientele/platform/runtime/problem'
import { Op } from 'sequelize'
import type { Users } from './user.model.ts'

/** Keycloak refuses an e-mail address as well if it is another user's username. */
const asAddress = (value: string) => ({ [Op.or]: [{ email: value }, { username: value }] })

/** For `.catch`: adds the id of the other user to Keycloak's `duplicate` problem, if the projection has that user. */
export const addConflictingId =
  (users: Users, fields: { username?: string | undefined; email?: string | null | undefined }) =>
  async (error: unknown): Promise<never> => {
    if (!(error instanceof Problem) || error.code !== 'duplicate') throw error
    const byUsername = error.options.errors?.[0]?.pointer === '/username'
    const value = byUsername ? fields.username : fields.email
    const other = value
      ? await users.findOne({ where: { deletedAt: null, ...(byUsername ? { username: value } : asAddress(value)) } })
      : null
    if (!other) throw error
    throw new Problem('duplicate', { ...error.options, extra: { conflictingId: other.id, conflictingState: 'active' } })
  }
