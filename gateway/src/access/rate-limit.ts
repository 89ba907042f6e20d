import type { ServerResponse } from 'node:http'
import { Problem } from '@clientele/platform/runtime/problem'
import { counter } from '@clientele/platform/runtime/telemetry'
import type { GatewayConfig } from '../config.ts'
import type { OutHeaders } from '../request/header-rules.ts'

const maxKeys = 50_000
const others = 'others'

const limited = () => counter('gateway_rate_limited_total', 'Requests refused by a rate limit', ['limit'])

/**
 * One limit: so many requests of one key in a window of seconds, which begins with its first. Keys beyond the bound share
 * one count: memory stays bounded, and so does what they may do.
 */
const createLimit = (name: string, points: number, windowSeconds: number) => {
  const policy = `"${name}";q=${points};w=${windowSeconds}`
  const refused = limited()
  refused.inc({ limit: name }, 0)
  // In the order of their ends, since all windows are of one length.
  const windows = new Map<string, { count: number; ends: number }>()

  const windowOf = (key: string, now: number): { count: number; ends: number } => {
    const known = windows.get(key)
    if (known && known.ends > now) return known
    for (const [old, { ends }] of windows) {
      if (ends > now) break
      windows.delete(old)
    }
    if (windows.size >= maxKeys && key !== others) return windowOf(others, now)
    const begun = { count: 0, ends: now + windowSeconds * 1000 }
    windows.set(key, begun)
    return begun
  }

  return {
    /** Counts a request and adds to the headers to answer with. @throws Problem 429 */
    consume: (key: string, headers: OutHeaders): void => {
      const now = performance.now()
      const window = windowOf(key, now)
      window.count += 1
      const seconds = Math.ceil((window.ends - now) / 1000)
      headers['ratelimit'] = `"${name}";r=${Math.max(points - window.count, 0)};t=${seconds}`
      headers['ratelimit-policy'] = policy
      if (window.count <= points) return
      refused.inc({ limit: name })
      throw new Problem('rate_limited', {
        detail: `at most ${points} requests in ${windowSeconds} s`,
        headers: { 'retry-after': String(seconds) },
      })
    },
  }
}

/** How much one client may have under way: nobody can take up all connections to a service. */
export const createClientLoad = (limit: number) => {
  const underWay = new Map<string, number>()
  const refused = limited()
  refused.inc({ limit: 'under-way' }, 0)
  return {
    /** Counts a request of `key` until `res` closes. @throws Problem 429 */
    enter: (key: string, res: ServerResponse): void => {
      const count = underWay.get(key) ?? 0
      if (count >= limit) {
        refused.inc({ limit: 'under-way' })
        throw new Problem('rate_limited', {
          detail: `at most ${limit} requests at a time`,
          headers: { 'Retry-After': '1' },
        })
      }
      underWay.set(key, count + 1)
      res.on('close', () => {
        const left = (underWay.get(key) ?? 1) - 1
        if (left === 0) underWay.delete(key)
        else underWay.set(key, left)
      })
    },
  }
}

type Rates = Pick<GatewayConfig, 'rateLimitWindowSeconds' | 'rateLimitAddress' | 'rateLimitUser' | 'rateLimitAuth'>

/** The limits of a gateway process, in its memory: by address, by user, and by address on `/v1/auth/*`. */
export const createRateLimits = (config: Rates) => {
  const { rateLimitWindowSeconds: seconds } = config
  return {
    address: createLimit('address', config.rateLimitAddress, seconds),
    user: createLimit('user', config.rateLimitUser, seconds),
    auth: createLimit('auth', config.rateLimitAuth, seconds),
  }
}
export type RateLimits = ReturnType<typeof createRateLimits>
