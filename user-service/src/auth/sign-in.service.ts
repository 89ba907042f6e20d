import type { Tokens } from '@clientele/contracts/user'
import type { Db } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import type { Oidc } from '../keycloak/oidc.ts'
import type { SignIns } from '../users/sign-in.model.ts'
import { takeSignIn } from '../users/sign-ins.ts'
import type { UserSync } from '../users/user-sync.ts'
import { createOneByOne } from './one-by-one.ts'
import type { SignInGuard } from './sign-in-guard.ts'

type Deps = { db: Db; signIns: SignIns; oidc: Oidc; guard: SignInGuard; sync: UserSync }

export type SignInService = ReturnType<typeof createSignInService>

const sessionOf = (token: string): string => {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sid?: unknown }
  return typeof claims.sid === 'string' ? claims.sid : ''
}

/** Password sign-in for API clients: the password goes to Keycloak, and nowhere else. */
export const createSignInService = ({ db, signIns, oidc, guard, sync }: Deps) => {
  const oneByOne = createOneByOne()

  const signIn = async (username: string, password: string, address?: string): Promise<Tokens> => {
    await guard.check(username)
    const result = await oidc.password(username, password, address)
    if (result.outcome === 'refused') {
      await guard.failed(username)
      throw new Problem('invalid_credentials', { headers: { 'WWW-Authenticate': 'Bearer realm="clientele"' } })
    }
    await guard.succeeded(username)
    // Only somebody who knows the password gets to hear this.
    if (result.outcome === 'unfinished')
      throw new Problem('forbidden', {
        detail: 'the account waits for something: follow the link in the mail, or sign in at Keycloak once',
      })
    return result.tokens
  }

  return {
    /** @throws Problem 401 `invalid_credentials`, the same for every reason that Keycloak has; 429 `locked` */
    signIn: (username: string, password: string, address?: string): Promise<Tokens> =>
      oneByOne(username.trim().toLowerCase(), () => signIn(username, password, address)),

    refresh: oidc.refresh,

    /** Ends the session; a token that is no longer valid has none, which is what was asked for. */
    signOut: async (refreshToken: string): Promise<void> => {
      if (!(await oidc.signOut(refreshToken))) return
      // Keycloak also says yes to a session that has ended. One that is not known yet is left to Keycloak's own event.
      await db.transaction(async (tx) => {
        const userId = await takeSignIn(signIns, tx, sessionOf(refreshToken))
        if (userId !== undefined) await sync.signedOut(tx, userId, new Date())
      })
    },
  }
}
