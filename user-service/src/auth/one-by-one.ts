import { Problem } from '@clientele/platform/runtime/problem'

const maxWaiting = 20

/**
 * Does work of the same key one after the other, in this process. Keycloak refuses a sign-in while another one of the same
 * account is under way, also with the right password; and guesses that come all at once are judged by the count that the
 * former ones left.
 */
export const createOneByOne = () => {
  const lines = new Map<string, { last: Promise<unknown>; waiting: number }>()

  /** @throws Problem 429 where too many wait already; what `work` throws */
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const line = lines.get(key) ?? { last: Promise.resolve(), waiting: 0 }
    if (line.waiting >= maxWaiting)
      throw new Problem('rate_limited', {
        detail: 'too many sign-ins under this name are under way',
        headers: { 'Retry-After': '1' },
      })
    lines.set(key, line)
    line.waiting += 1
    const result = line.last.then(work)
    line.last = result.catch(() => {})
    try {
      return await result
    } finally {
      line.waiting -= 1
      if (line.waiting === 0) lines.delete(key)
    }
  }
}
