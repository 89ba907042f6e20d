import type { NewUser, Role, User, UserPatch } from '@clientele/contracts/user'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { People, PersonFields } from '../keycloak/people.ts'
import type { LastAdminGuard } from './last-admin.ts'
import type { Users } from './user.model.ts'
import { presentUser } from './user.presenter.ts'
import { notDuplicate } from './user-conflict.ts'
import type { UserMail } from './user-mail.ts'
import type { UserSync } from './user-sync.ts'

type Deps = { db: Db; users: Users; people: People; sync: UserSync; lastAdmin: LastAdminGuard; mail: UserMail }

const missing = (): Problem => new Problem('not_found', { detail: 'user not found' })

export type UserService = ReturnType<typeof createUserService>

/**
 * People as administrators manage them. Keycloak is changed while the user's lock is held, then read back into the
 * projection in the same transaction: what is answered is what Keycloak has.
 */
export const createUserService = ({ db, users, people, sync, lastAdmin, mail }: Deps) => {
  const current = async (id: string, tx?: Tx): Promise<User> => {
    const row = await users.findByPk(id, { transaction: tx ?? null })
    if (row === null || row.deletedAt !== null) throw missing()
    return presentUser(row)
  }

  /** The frame of every change. With If-Match Keycloak is read first: a change in its console counts as well. */
  const change = (
    id: string,
    actor: Actor,
    ifMatch: number | undefined,
    work: (before: User, tx: Tx) => Promise<void>,
  ): Promise<User | undefined> =>
    db.transaction(async (tx) => {
      await sync.lock(tx, id)
      const before = ifMatch === undefined ? await current(id, tx) : await sync.syncLocked(tx, id, actorRef(actor))
      if (!before) throw missing()
      if (ifMatch !== undefined && before.version !== ifMatch) throw new Problem('precondition_failed')
      await work(before, tx)
      return sync.syncLocked(tx, id, actorRef(actor))
    })

  const forbidOwn = (id: string, actor: Actor): void => {
    if (id === actor.id) throw new Problem('own_account')
  }

  /** Before somebody may stop being an enabled administrator. */
  const guardAdmin = async (id: string, actor: Actor, tx: Tx): Promise<void> => {
    forbidOwn(id, actor)
    await lastAdmin.check(tx, id)
  }

  const applyPatch = async (before: User, patch: UserPatch, actor: Actor, tx: Tx): Promise<void> => {
    const { id } = before
    const demotes =
      patch.roles !== undefined && !patch.roles.includes('admin') && (before.roles.includes('admin') || id === actor.id)
    const disables = patch.enabled === false
    if (demotes || disables) await guardAdmin(id, actor, tx)
    const fields = differing(before, patch)
    if (Object.keys(fields).length > 0)
      await people.update(id, fields).catch(notDuplicate(users, { ...before, ...patch }))
    if (patch.roles) await people.setRoles(id, patch.roles)
  }

  const found = (user: User | undefined): User => {
    if (!user) throw missing()
    return user
  }

  return {
    get: current,

    create: async ({ roles, sendInvite, ...fields }: NewUser, actor: Actor): Promise<User> => {
      if (sendInvite && !mail.available)
        throw fieldProblem('/sendInvite', 'unavailable', 'this installation cannot send mail')
      const user = await db.transaction(async (tx) => {
        await sync.lockAddress(tx, fields.email)
        const id = await people.create(fields).catch(notDuplicate(users, fields))
        await sync.lock(tx, id)
        if (roles)
          await people.setRoles(id, roles).catch(async (error: unknown) => {
            await people.remove(id)
            throw error
          })
        return found(await sync.syncLocked(tx, id, actorRef(actor)))
      })
      if (sendInvite) await mail.invite(user.id)
      return user
    },

    update: async (id: string, patch: UserPatch, actor: Actor, ifMatch?: number): Promise<User> =>
      found(await change(id, actor, ifMatch, (before, tx) => applyPatch(before, patch, actor, tx))),

    remove: async (id: string, actor: Actor, ifMatch?: number): Promise<void> => {
      await change(id, actor, ifMatch, async (_before, tx) => {
        await guardAdmin(id, actor, tx)
        await people.remove(id)
      })
    },

    /** Leaving is everybody's own right, but for the last administrator. */
    removeSelf: async (actor: Actor, ifMatch?: number): Promise<void> => {
      await change(actor.id, actor, ifMatch, async (_before, tx) => {
        await lastAdmin.check(tx, actor.id)
        await people.remove(actor.id)
      })
    },

    grant: async (id: string, role: Role, actor: Actor, ifMatch?: number): Promise<void> => {
      await change(id, actor, ifMatch, async () => {
        const roles = (await people.roles(id)) ?? []
        await people.setRoles(id, [...roles, role])
      })
    },

    revoke: async (id: string, role: Role, actor: Actor, ifMatch?: number): Promise<void> => {
      await change(id, actor, ifMatch, async (_before, tx) => {
        const roles = (await people.roles(id)) ?? []
        if (role === 'admin') await guardAdmin(id, actor, tx)
        else if (roles.includes('admin'))
          throw new Problem('invalid_state', {
            detail: 'an administrator has the role user as well; take the role admin away first',
          })
        await people.setRoles(
          id,
          roles.filter((other) => other !== role),
        )
      })
    },

    signOut: async (id: string, actor: Actor): Promise<void> => {
      await change(id, actor, undefined, () => people.signOut(id))
    },

    mailPasswordReset: async (id: string): Promise<void> => {
      const { enabled, email } = await current(id)
      // Keycloak would refuse, in a way that cannot be told from a mail server that is away.
      if (!enabled) throw new Problem('invalid_state', { detail: 'the user is disabled; enable them first' })
      if (email === null) throw new Problem('invalid_state', { detail: 'the user has no e-mail address' })
      await mail.reset(id)
    },
  }
}

/** Only what differs is sent: Keycloak refuses a username where the realm forbids changing it, also an equal one. */
const differing = (before: User, { username, email, name, surname, enabled, password }: UserPatch): PersonFields => ({
  ...(username !== undefined && username !== before.username && { username }),
  ...(email !== undefined && email !== before.email && { email, emailVerified: false }),
  ...(name !== undefined && name !== before.name && { name }),
  ...(surname !== undefined && surname !== before.surname && { surname }),
  ...(enabled !== undefined && enabled !== before.enabled && { enabled }),
  ...(password !== undefined && { password }),
})
