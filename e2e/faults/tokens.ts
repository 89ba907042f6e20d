import { realmAdmin } from '@clientele/platform/testing/realm'
import { createSignedInUser, signIn } from '@clientele/platform/testing/tokens'
import type { Tokens } from './writer.ts'

const clientId = 'fault-suite'
const lifespanSeconds = 4 * 3600

const createUser = async (roles: string[]): Promise<() => Promise<string>> => {
  const { username, password } = await createSignedInUser(roles)
  return async () => (await signIn(username, password, clientId)).token
}

/**
 * Creates a user and an admin and returns access tokens that outlast the run, so that no refresh needs Keycloak. Some changes of users
 * require a sign-in of the last five minutes: `renew` signs both in again.
 */
export const createTokens = async (): Promise<Tokens & { renew(): Promise<void> }> => {
  const attributes = { 'access.token.lifespan': String(lifespanSeconds) }
  await realmAdmin().ensureClient(clientId, { audience: 'clientele-api', attributes })
  const [signInUser, signInAdmin] = [await createUser(['user']), await createUser(['admin'])]
  const tokens = {
    user: await signInUser(),
    admin: await signInAdmin(),
    renew: async (): Promise<void> => {
      tokens.user = await signInUser()
      tokens.admin = await signInAdmin()
    },
  }
  return tokens
}
