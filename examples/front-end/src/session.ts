import { ClienteleError, createClient, type Profile } from '@clientele/client'
import { UserManager } from 'oidc-client-ts'

const baseUrl = import.meta.env.VITE_CLIENTELE_URL ?? 'http://localhost:8000'

// Clientele says where users sign in.
const { issuer, clientId } = await createClient({ baseUrl }).authConfig()
const page = `${location.origin}/`

/** Signs users in at Keycloak, by authorization code with PKCE. */
export const users = new UserManager({
  authority: issuer,
  client_id: clientId,
  redirect_uri: page,
  post_logout_redirect_uri: page,
})

/** The API, with the token of the signed-in user. */
export const clientele = createClient({
  baseUrl,
  getToken: async ({ renew }) => {
    const user = renew ? await users.signinSilent().catch(() => null) : await users.getUser()
    return user?.access_token
  },
})

/** Completes a sign-in if Keycloak has just sent the user back. @returns the user, or undefined if nobody is signed in */
export const restoreSession = async (): Promise<Profile | undefined> => {
  if (new URLSearchParams(location.search).has('state')) {
    await users.signinCallback()
    history.replaceState(undefined, '', page)
  }
  if ((await users.getUser()) === null) return undefined
  try {
    return await clientele.me.get()
  } catch (error) {
    if (!(error instanceof ClienteleError) || error.status !== 401) throw error
    await users.removeUser()
    return undefined
  }
}
