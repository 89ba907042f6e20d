import { Problem } from '@clientele/platform/runtime/problem'
import { counter } from '@clientele/platform/runtime/telemetry'
import { LruMap } from 'toad-cache'
import type { GatewayConfig } from '../config.ts'
import { networkFactors } from '../request/client-address.ts'
import type { OutgoingHeaders } from '../request/header-rules.ts'

const defaultMaxKeys = 50_000

export const rejectionCounter = () =>
  counter('gateway_rate_limited_total', 'Requests rejected by a rate limit', ['limit'])

type Window = { count: number; ends: number }
type WindowLimit = { name: string; points: number; windowSeconds: number; maxKeys: number }

/**
 * A fixed-window limit: `points` requests per key in `windowSeconds`, beginning with the first request. To bound memory, the key
 * that was used least recently is forgotten beyond `maxKeys`. Whoever floods the limit with keys so gets rid of keys that are not
 * in use, and takes no request from anybody else.
 */
const createFixedWindowLimit = ({ name, points, windowSeconds, maxKeys }: WindowLimit) => {
  const policy = `"${name}";q=${points};w=${windowSeconds}`
  const rejected = rejectionCounter()
  rejected.inc({ limit: name }, 0)
  const windows = new LruMap<Window>(maxKeys)

  const windowOf = (key: string, now: number): Window => {
    const current = windows.get(key)
    if (current && current.ends > now) return current
    const window = { count: 0, ends: now + windowSeconds * 1000 }
    windows.set(key, window)
    return window
  }

  const reject = (detail: string, { ends }: Window, now: number): never => {
    rejected.inc({ limit: name })
    throw new Problem('rate_limited', { detail, headers: { 'retry-after': String(Math.ceil((ends - now) / 1000)) } })
  }

  return {
    /**
     * Counts a request of a client and adds the rate limit headers of the response. The client is a user's id, or the networks of
     * an address, the narrowest first. A request that one network may not make does not count for the wider ones.
     * @throws Problem 429
     */
    consume: (client: string | readonly [string, ...string[]], headers: OutgoingHeaders): void => {
      const now = performance.now()
      const [key, ...wider] = typeof client === 'string' ? [client] : client
      const window = windowOf(key, now)
      window.count += 1
      const seconds = Math.ceil((window.ends - now) / 1000)
      headers['ratelimit'] = `"${name}";r=${Math.max(points - window.count, 0)};t=${seconds}`
      headers['ratelimit-policy'] = policy
      if (window.count > points) reject(`limit: ${points} requests per ${windowSeconds} s`, window, now)
      for (const [index, network] of wider.entries()) {
        const limit = points * (networkFactors[index + 1] ?? 1)
        const shared = windowOf(network, now)
        shared.count += 1
        if (shared.count > limit)
          reject(`limit: ${limit} requests per ${windowSeconds} s of the network ${network}`, shared, now)
      }
    },
  }
}

type Rates = Pick<
  GatewayConfig,
  'rateLimitWindowSeconds' | 'rateLimitAddress' | 'rateLimitUser' | 'rateLimitAuth' | 'rateLimitRefresh'
>

/**
 * The rate limits of a gateway process, in its memory: by address, by user, and by address on `/v1/auth/*`. Each remembers
 * `maxKeys` clients. Refresh and sign-out have a wide limit of their own: nobody can guess a refresh token, and many people may
 * share an address.
 */
export const createRateLimits = (config: Rates, maxKeys = defaultMaxKeys) => {
  const limit = (name: string, points: number) =>
    createFixedWindowLimit({ name, points, windowSeconds: config.rateLimitWindowSeconds, maxKeys })
  return {
    address: limit('address', config.rateLimitAddress),
    user: limit('user', config.rateLimitUser),
    auth: limit('auth', config.rateLimitAuth),
    refresh: limit('refresh', config.rateLimitRefresh),
  }
}
export type RateLimits = ReturnType<typeof createRateLimits>
