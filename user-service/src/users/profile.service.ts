import type { Profile, ProfilePatch, User } from '@clientele/contracts/user'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { IfMatch } from '@clientele/platform/http/if-match'
import { Problem } from '@clientele/platform/runtime/problem'
import type { EmailChangeService } from '../email/email-change.service.ts'
import type { UserService } from './user.service.ts'
import type { UserSync } from './user-sync.ts'

type Deps = { service: UserService; sync: UserSync; emailChange: EmailChangeService }

export type ProfileService = ReturnType<typeof createProfileService>

/** Reads, updates and deletes the account of the signed-in user. */
export const createProfileService = ({ service, sync, emailChange }: Deps) => {
  /** Syncs the user if the projection does not have a user who registered a moment ago. @throws Problem 404 */
  const getOwn = async (actor: Actor): Promise<User> => {
    const user = await service.get(actor.id).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'not_found') return sync.syncUser(actor.id, actorRef(actor))
      throw error
    })
    if (!user) throw new Problem('not_found', { detail: 'user not found' })
    return user
  }

  const withPending = async (user: User): Promise<Profile> => ({
    ...user,
    pendingEmail: await emailChange.pendingEmail(user.id),
  })

  return {
    get: async (actor: Actor): Promise<Profile> => withPending(await getOwn(actor)),
    /** Names change at once, the e-mail address when the user follows the link that is mailed to the new one. */
    update: async ({ email, ...names }: ProfilePatch, actor: Actor, ifMatch?: IfMatch): Promise<Profile> => {
      const before = await getOwn(actor)
      if (email !== undefined && email !== before.email) await emailChange.check(email, actor)
      const after = await service.update(actor.id, names, actor, ifMatch)
      if (email !== undefined) await emailChange.propose(email, actor)
      return withPending(after)
    },
    delete: async (actor: Actor, ifMatch?: IfMatch): Promise<void> => {
      await getOwn(actor)
      await service.deleteSelf(actor, ifMatch)
    },
  }
}
