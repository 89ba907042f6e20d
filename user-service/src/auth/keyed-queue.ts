import { Problem } from '@clientele/platform/runtime/problem'

const maxQueued = 20

/**
 * Runs work of the same key one after the other, in this process. Sign-ins need that for two reasons: Keycloak refuses a
 * sign-in while another one of the same account is in progress, even with the right password; and of many guesses sent at
 * once, each must see the failures that the ones before it have counted.
 */
export const createKeyedQueue = () => {
  const queues = new Map<string, { last: Promise<unknown>; size: number }>()

  /** @throws Problem 429 if 20 calls of that key are queued or running; whatever `work` throws */
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const queue = queues.get(key) ?? { last: Promise.resolve(), size: 0 }
    if (queue.size >= maxQueued)
      throw new Problem('rate_limited', {
        detail: 'too many sign-ins with this username are in progress',
        headers: { 'Retry-After': '1' },
      })
    queues.set(key, queue)
    queue.size += 1
    const result = queue.last.then(work)
    queue.last = result.catch(() => {})
    try {
      return await result
    } finally {
      queue.size -= 1
      if (queue.size === 0) queues.delete(key)
    }
  }
}
