import type { Tx } from '@clientele/platform/data/db'
import type { SignIns } from './sign-in.model.ts'

/** Deletes the sign-in of a session. @returns the user's id, or undefined if there is no such sign-in (any more) */
export const deleteSignIn = async (signIns: SignIns, tx: Tx, sessionId: string): Promise<string | undefined> => {
  const signIn = await signIns.findByPk(sessionId, { transaction: tx, lock: tx.LOCK.UPDATE })
  await signIn?.destroy({ transaction: tx })
  return signIn?.userId
}
