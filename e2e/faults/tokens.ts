import { realmAdmin } from '@clientele/platform/testing/realm'
import { createSignedInUser, signIn } from '@clientele/platform/testing/tokens'
import type { Tokens } from './writer.ts'

const clientId = 'fault-suite'
const lifespanSeconds = 4 * 3600

const tokenOf = async (roles: string[]): Promise<string> => {
  const { username, password } = await createSignedInUser(roles)
  return (await signIn(username, password, clientId)).token
}

/** Creates a user and an admin and returns access tokens that outlast the run, so that no refresh needs Keycloak. */
export const createTokens = async (): Promise<Tokens> => {
  const attributes = { 'access.token.lifespan': String(lifespanSeconds) }
  await realmAdmin().ensureClient(clientId, { audience: 'clientele-api', attributes })
  return { user: await tokenOf(['user']), admin: await tokenOf(['admin']) }
}
