import type { Login, SignedIn } from '@clientele/contracts/user'
import type { Db } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import type { Oidc } from '../keycloak/oidc.ts'
import type { UserSessions } from '../keycloak/user-sessions.ts'
import type { FreshTokens } from '../revocations/fresh-tokens.ts'
import { ofSessions } from '../revocations/lost-access.ts'
import type { SignIns } from '../sessions/sign-in.model.ts'
import { deleteSignIn } from '../sessions/sign-ins.ts'
import type { UserSync } from '../users/user-sync.ts'
import { networkOf } from './client-network.ts'
import { createKeyedQueue } from './keyed-queue.ts'
import type { KnownDevice, KnownDevices } from './known-devices.ts'
import type { PasswordCheck } from './password-check.ts'
import type { RecentSignIns } from './recent-sign-ins.ts'
import type { SignInGuard } from './sign-in-guard.ts'
import type { TokenRefresh } from './token-refresh.ts'

type Deps = {
  db: Db
  signIns: SignIns
  oidc: Oidc
  passwordCheck: PasswordCheck
  recentSignIns: RecentSignIns
  guard: SignInGuard
  devices: KnownDevices
  tokenRefresh: TokenRefresh
  freshTokens: FreshTokens
  sessions: Pick<UserSessions, 'end'>
  sync: UserSync
}

export type SignInService = ReturnType<typeof createSignInService>

type Claims = { sub?: unknown; typ?: unknown; sid?: unknown; preferred_username?: unknown; email?: unknown }

/** The claims of a token that Keycloak has just issued or accepted. */
const claimsOf = (token: string): Claims =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims

const sessionIdOf = (token: string): string => {
  const { sid } = claimsOf(token)
  return typeof sid === 'string' ? sid : ''
}

const challenge = { 'WWW-Authenticate': 'Bearer realm="clientele"' }

const normalise = (name: string): string => name.trim().toLowerCase()

/** Password sign-in for API clients. Passwords are checked by Keycloak only. */
export const createSignInService = ({
  db,
  signIns,
  oidc,
  passwordCheck,
  recentSignIns,
  guard,
  devices,
  tokenRefresh,
  freshTokens,
  sessions,
  sync,
}: Deps) => {
  const enqueue = createKeyedQueue()

  /** @returns the id of the user */
  const remember = (name: string, accessToken: string): string => {
    const { sub, preferred_username: username, email } = claimsOf(accessToken)
    const names = [name, username, email].filter((value) => typeof value === 'string')
    recentSignIns.add(String(sub), names.map(normalise))
    return String(sub)
  }

  const signIn = async (credentials: Login, address?: string, device?: KnownDevice): Promise<SignedIn> => {
    const name = normalise(credentials.username)
    const counted = await guard.check({ name, network: networkOf(address), deviceId: device?.id })
    const result = await passwordCheck.check(credentials, name, address, counted.isKnownDevice ? device : undefined)
    if (result.outcome === 'refused') {
      await guard.recordFailure(counted)
      throw new Problem('invalid_credentials', { headers: challenge })
    }
    // Whoever gets this response knows the password. They have not failed, and have not signed in either.
    if (result.outcome === 'code_required') throw new Problem('otp_required', { headers: challenge })
    await guard.recordSuccess(counted)
    // This response shows that the account exists; only a client that knows the password gets it.
    if (result.outcome === 'action_required')
      throw new Problem('forbidden', {
        detail: 'an action is required first: follow the link in the mail, or sign in at Keycloak once',
      })
    const tokens = await freshTokens(result.tokens)
    return { ...tokens, deviceToken: devices.issue(remember(name, tokens.accessToken), device?.id) }
  }

  /** Ends the session of a token that Keycloak has verified: it tells `other_client` of valid tokens only. */
  const endSession = (refreshToken: string): Promise<void> => {
    const { typ } = claimsOf(refreshToken)
    return sessions.end({ id: sessionIdOf(refreshToken), isOffline: typ === 'Offline' })
  }

  return {
    /** @throws Problem 401 `invalid_credentials`, whatever Keycloak's reason; 403 if an action is required; 429 `locked` */
    signIn: async (credentials: Login, address?: string): Promise<SignedIn> => {
      const name = normalise(credentials.username)
      const device = await devices.find(credentials.deviceToken, name)
      // A known device does not wait for the guesses of strangers.
      return enqueue(device ? `device ${device.id}` : name, () => signIn(credentials, address, device))
    },

    refresh: tokenRefresh.refresh,

    /**
     * Ends the session of the token, whichever client it was issued to. Keycloak also accepts the token of a session that has
     * ended. @throws Problem 401 `invalid_token`
     */
    signOut: async (refreshToken: string): Promise<void> => {
      if ((await oidc.signOut(refreshToken)) === 'other_client') await endSession(refreshToken)
      const [userId, sessionId] = [String(claimsOf(refreshToken).sub), sessionIdOf(refreshToken)]
      await db.transaction(async (tx) => {
        await deleteSignIn(signIns, tx, sessionId)
        await sync.recordSignOut(tx, userId, ofSessions(userId, [sessionId]))
      })
    },
  }
}
