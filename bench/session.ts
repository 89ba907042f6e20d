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

// Keycloak issues access tokens for five minutes.
const renewAfterMs = 200_000

/** Creates `count` users, and returns a function that returns an access token of each. */
export const newPeople = async (count: number): Promise<() => Promise<string[]>> => {
  const people: Awaited<ReturnType<typeof createSignedInUser>>[] = []
  for (let n = 0; n < count; n += 1) people.push(await createSignedInUser(['user']))
  let tokens = people.map(({ token }) => token)
  let signedInAt = Date.now()
  return async () => {
    if (Date.now() - signedInAt > renewAfterMs) {
      tokens = []
      for (const { username, password } of people) tokens.push((await signIn(username, password)).token)
      signedInAt = Date.now()
    }
    return tokens
  }
}
