import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Tx } from '@clientele/platform/data/db'
import { currentLog } from '@clientele/platform/runtime/log'
import { fieldsOf } from './customer.change.ts'
import type { Finder } from './customer.finder.ts'
import type { Writer } from './customer.writer.ts'

type SignedUp = {
  userId: string
  name: string | null
  surname: string | null
  email: string | null
  displayName: string
}

const maxName = 200

/**
 * Customers of people who sign up. The policy of required fields does not hold a sign-up back. An address that a customer
 * already has was not proven by who typed it: that customer stays as it is, and the new one comes without an e-mail, for
 * staff to merge.
 */
export const createSignUps = (writer: Writer, finder: Finder) => ({
  /** Makes the customer of a user, once. */
  welcome: async ({ userId, name, surname, email, displayName }: SignedUp, actor: Actor, tx: Tx): Promise<void> => {
    if (await finder.ofUser(userId, tx)) return
    const taken = email !== null && (await finder.find({ key: email, idBy: 'email' }, tx)) !== undefined
    if (taken) currentLog().info({ userId }, 'sign-up with the address of a customer: made without it')
    const fields = fieldsOf({
      name: (name ?? displayName).slice(0, maxName),
      surname: surname?.slice(0, maxName),
      email: taken ? null : email?.toLowerCase(),
    })
    await writer.insert(fields, actor, tx, userId)
  },
})
export type SignUps = ReturnType<typeof createSignUps>
