import type { ProfilePatch, User } from '@clientele/contracts/user'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import { Problem } from '@clientele/platform/runtime/problem'
import type { MailQueue } from '../auth/mail-queue.ts'
import type { UserService } from './user.service.ts'
import type { UserSync } from './user-sync.ts'

type Deps = { service: UserService; sync: UserSync; mails: MailQueue }

export type ProfileService = ReturnType<typeof createProfileService>

/** What everybody may do with their own account. */
export const createProfileService = ({ service, sync, mails }: Deps) => {
  /** Somebody who registered a moment ago may not have been noticed yet. */
  const own = async (actor: Actor): Promise<User> => {
    const user = await service.get(actor.id).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'not_found') return sync.sync(actor.id, actorRef(actor))
      throw error
    })
    if (!user)
      throw new Problem('not_found', { detail: 'there is no user for this token: deleted, or it belongs to a client' })
    return user
  }

  return {
    get: own,
    update: async (patch: ProfilePatch, actor: Actor, ifMatch?: number): Promise<User> => {
      const before = await own(actor)
      const after = await service.update(actor.id, patch, actor, ifMatch)
      if (after.email !== before.email) await mails.verification(actor.id)
      return after
    },
    remove: async (actor: Actor, ifMatch?: number): Promise<void> => {
      await own(actor)
      await service.removeSelf(actor, ifMatch)
    },
  }
}
