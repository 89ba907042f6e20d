import type { ServerResponse } from 'node:http'
import { Problem } from '@clientele/platform/runtime/problem'
import { rejectionCounter } from './rate-limit.ts'

/** A page loads many images at once, and a proxy in front may pass them on at once. So a few rounds of requests may wait. */
const waitingPerConcurrent = 4

type Client = { inFlight: number; waiting: (() => void)[] }

/**
 * Limits the concurrent requests of one client, so that no client can use all connections to a service. A request beyond
 * `maxConcurrent` waits for at most `waitMs` until one of the client's other requests has ended.
 */
export const createConcurrencyLimit = ({ maxConcurrent, waitMs }: { maxConcurrent: number; waitMs: number }) => {
  const clients = new Map<string, Client>()
  const rejected = rejectionCounter()
  rejected.inc({ limit: 'under-way' }, 0)

  const tooMany = (): Problem => {
    rejected.inc({ limit: 'under-way' })
    return new Problem('rate_limited', {
      detail: `limit: ${maxConcurrent} concurrent requests`,
      headers: { 'Retry-After': '1' },
    })
  }

  const start = (key: string, client: Client, res: ServerResponse): void => {
    client.inFlight += 1
    res.once('close', () => {
      client.inFlight -= 1
      const next = client.waiting.shift()
      if (next) next()
      else if (client.inFlight === 0) clients.delete(key)
    })
  }

  const waitForTurn = (key: string, client: Client, res: ServerResponse): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const leave = (): void => {
      clearTimeout(timer)
      res.off('close', onClose)
      const index = client.waiting.indexOf(turn)
      if (index !== -1) client.waiting.splice(index, 1)
    }
    const turn = (): void => {
      leave()
      start(key, client, res)
      resolve()
    }
    const onClose = (): void => {
      leave()
      // Nobody gets the response of a client that has disconnected.
      reject(tooMany())
    }
    const timer = setTimeout(() => {
      leave()
      reject(tooMany())
    }, waitMs)
    res.once('close', onClose)
    client.waiting.push(turn)
    return promise
  }

  return {
    /** Counts a request of `key` until `res` is closed. Returns a promise only if the request has to wait. @throws Problem 429 */
    acquire: (key: string, res: ServerResponse): Promise<void> | undefined => {
      let client = clients.get(key)
      if (!client) {
        client = { inFlight: 0, waiting: [] }
        clients.set(key, client)
      }
      if (client.inFlight < maxConcurrent) {
        start(key, client, res)
        return undefined
      }
      if (client.waiting.length >= maxConcurrent * waitingPerConcurrent) throw tooMany()
      return waitForTurn(key, client, res)
    },
  }
}
