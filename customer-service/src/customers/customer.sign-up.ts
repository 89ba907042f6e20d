import { normaliseEmail } from '@clientele/contracts/email'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Tx } from '@clientele/platform/data/db'
import { currentLog } from '@clientele/platform/runtime/log'
import { newFields } from './customer.change.ts'
import type { Finder } from './customer.finder.ts'
import type { Writer } from './customer.writer.ts'

type NewUser = {
  userId: string
  name: string | null
  surname: string | null
  email: string | null
  displayName: string
}

const maxNameLength = 200

/**
 * Creates customers for users who sign up. The required fields do not apply to them. If another customer already has the
 * user's e-mail, that customer is not changed, because nothing proves that the address is the user's. The new customer gets
 * no e-mail, and staff can merge the two.
 */
export const createSignUps = (writer: Writer, finder: Finder) => ({
  /** Creates the customer of a user, unless the user has one. */
  createFor: async ({ userId, name, surname, email, displayName }: NewUser, actor: Actor, tx: Tx): Promise<void> => {
    if (await finder.findByUser(userId, tx)) return
    const emailTaken = email !== null && (await finder.find({ key: email, idBy: 'email' }, tx)) !== undefined
    if (emailTaken)
      currentLog().info({ userId }, 'another customer has the e-mail of the new user: customer created without it')
    const fields = newFields({
      name: (name ?? displayName).slice(0, maxNameLength),
      surname: surname?.slice(0, maxNameLength),
      email: emailTaken || email === null ? null : normaliseEmail(email),
    })
    await writer.insert(fields, actor, { tx, userId })
  },
})
export type SignUps = ReturnType<typeof createSignUps>
