import type { Tx } from '@clientele/platform/data/db'
import type { SignIns } from './sign-in.model.ts'

/** Removes the sign-in of a session. @returns the user; undefined if it is not known, or somebody else took it */
export const takeSignIn = async (signIns: SignIns, tx: Tx, sessionId: string): Promise<string | undefined> => {
  const signIn = await signIns.findByPk(sessionId, { transaction: tx, lock: tx.LOCK.UPDATE })
  await signIn?.destroy({ transaction: tx })
  return signIn?.userId
}
