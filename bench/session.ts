import { createSignedInUser, signIn } from '@clientele/platform/testing/tokens'

const freshMs = 60_000

/**
 * Creates a user and returns a function that returns an access token. It signs in once a minute at most, because Keycloak
 * refuses concurrent sign-ins of one user.
 */
export const newSession = async (): Promise<() => Promise<string>> => {
  const { username, password } = await createSignedInUser(['user'])
  let kept: { at: number; token: Promise<string> } | undefined
  return () => {
    if (!kept || Date.now() - kept.at > freshMs)
      kept = { at: Date.now(), token: signIn(username, password).then(({ token }) => token) }
    return kept.token
  }
}
