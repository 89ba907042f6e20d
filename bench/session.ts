import { newPerson, signIn } from '@clientele/platform/testing/tokens'

const freshMs = 60_000

/** A new user's access token, when it is asked for: one sign-in a minute, as Keycloak refuses a second one at the same time. */
export const newSession = async (): Promise<() => Promise<string>> => {
  const { username, password } = await newPerson(['user'])
  let kept: { at: number; token: Promise<string> } | undefined
  return () => {
    if (!kept || Date.now() - kept.at > freshMs)
      kept = { at: Date.now(), token: signIn(username, password).then(({ token }) => token) }
    return kept.token
  }
}
