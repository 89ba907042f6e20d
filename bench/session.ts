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

/** Returns what `work` makes of each item, four at a time. */
const mapInFours = async <T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = []
  for (let from = 0; from < items.length; from += 4)
    results.push(...(await Promise.all(items.slice(from, from + 4).map(work))))
  return results
}

/** Creates `count` users, and returns a function that returns an access token of each. */
export const newPeople = async (count: number): Promise<() => Promise<string[]>> => {
  const people = await mapInFours(Array.from({ length: count }), () => createSignedInUser(['user']))
  let tokens = people.map(({ token }) => token)
  let signedInAt = Date.now()
  return async () => {
    if (Date.now() - signedInAt > renewAfterMs) {
      tokens = await mapInFours(people, async ({ username, password }) => (await signIn(username, password)).token)
      signedInAt = Date.now()
    }
    return tokens
  }
}
