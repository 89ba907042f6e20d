import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { EndedSessions } from '../revocations/revocations-of-change.ts'
import { addConflictingId } from '../users/duplicate-user.ts'
import type { Users } from '../users/user.model.ts'
import type { UserSync } from '../users/user-sync.ts'
import type { EmailLinkKind, EmailLinkModel } from './email-link.model.ts'
import type { EmailLinks } from './email-links.ts'
import { enqueueMail } from './enqueue-mail.ts'

type Deps = { db: Db; users: Users; keycloakUsers: KeycloakUsers; sync: UserSync; links: EmailLinks }

const linkInvalid = (): Problem => new Problem('not_found', { detail: 'the link is unknown, was used, or has expired' })

const taken = (): Problem =>
  new Problem('duplicate', {
    detail: 'another user has this email',
    errors: [{ pointer: '/email', code: 'taken', message: 'belongs to another user' }],
  })

export type EmailChangeService = ReturnType<typeof createEmailChangeService>

/** Changes of e-mail addresses by users themselves, with mailed links. */
export const createEmailChangeService = ({ db, users, keycloakUsers, sync, links }: Deps) => {
  /** Makes the link's address the user's. The link proves that the user reads its mail. */
  const follow = (
    kind: EmailLinkKind,
    token: string,
    makeOwn: (link: EmailLinkModel, tx: Tx) => Promise<EndedSessions | undefined>,
  ): Promise<void> =>
    db.transaction(async (tx) => {
      const link = await links.findByToken(kind, token, tx)
      if (!link) throw linkInvalid()
      const { userId } = link
      await sync.lock(tx, userId)
      const row = await users.findByPk(userId, { transaction: tx })
      // Another request may have followed the link meanwhile.
      if (!row || !(await links.findByToken(kind, token, tx))) throw linkInvalid()
      const ended = await makeOwn(link, tx)
      // The link is deleted last: it shows that this change takes a former one back, and is none itself.
      await sync.syncLocked(tx, userId, { id: userId, displayName: row.displayName }, ended)
      await links.delete(tx, link)
    })

  return {
    /** @throws Problem 422 without a mail server; 409 if another user has the address */
    check: async (email: string, actor: Actor): Promise<void> => {
      if (!links.available)
        throw fieldProblem(
          '/email',
          'unavailable',
          'this installation cannot mail a link that confirms the address; ask an admin to change it',
        )
      const other = await keycloakUsers.byEmail(email)
      if ((other && other.id !== actor.id) || (await links.isReserved(email, actor.id)))
        await addConflictingId(users, { email })(taken())
    },

    /** Proposes an address, or withdraws the proposal if it is the present one. */
    propose: (email: string, actor: Actor): Promise<void> =>
      db.transaction(async (tx) => {
        await sync.lock(tx, actor.id)
        const user = await sync.syncLocked(tx, actor.id, actorRef(actor))
        if (email === user?.email) await links.withdraw(tx, actor.id)
        else await links.propose(tx, actor.id, email)
      }),

    pendingEmail: async (userId: string): Promise<string | null> => (await links.proposalOf(userId))?.email ?? null,

    /** @throws Problem 404 if the link is not valid; 409 if another user has the address by now */
    confirm: (token: string): Promise<void> =>
      follow('confirmation', token, async ({ userId, email }) => {
        const keycloakUser = await keycloakUsers.byId(userId)
        if (!keycloakUser?.enabled) throw linkInvalid()
        await keycloakUsers.update(userId, { email, emailVerified: true })
        return undefined
      }),

    /**
     * Restores the former address, removes a password and other credentials that were set since the change, and ends all
     * sessions. If credentials were removed, a link to set a password is mailed. @throws as `confirm`
     */
    restore: (token: string): Promise<void> =>
      follow('restoration', token, async ({ userId, email, createdAt }, tx) => {
        await keycloakUsers.update(userId, { email, emailVerified: true })
        const removed = await keycloakUsers.removeCredentialsSince(userId, createdAt)
        const ended = await keycloakUsers.signOut(userId)
        if (removed) await enqueueMail(db, 'password_reset', email, tx)
        return ended
      }),
  }
}
