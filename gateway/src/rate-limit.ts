import type { ServerResponse } from 'node:http'
import { Problem } from '@clientele/platform/problem'
import { counter } from '@clientele/platform/telemetry'
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'
import type { GatewayConfig } from './config.ts'
import type { OutHeaders } from './headers.ts'

const maxKeys = 50_000

const limited = () => counter('gateway_rate_limited_total', 'Requests refused by a rate limit', ['limit'])

/** One limit: so many requests of one key in a window of seconds. */
const createLimit = (name: string, points: number, windowSeconds: number) => {
  const limiter = new RateLimiterMemory({ keyPrefix: '', points, duration: windowSeconds })
  const policy = `"${name}";q=${points};w=${windowSeconds}`
  const refused = limited()
  let windowEnds = 0
  let newKeys = 0

  /** Keys beyond the bound share one count until the window ends: memory stays bounded, and so does what they may do. */
  const bounded = async (key: string): Promise<string> => {
    const now = Date.now()
    if (now > windowEnds) {
      windowEnds = now + windowSeconds * 1000
      newKeys = 0
    }
    return newKeys < maxKeys || (await limiter.get(key)) !== null ? key : 'others'
  }
  const headersOf = ({ remainingPoints = 0, msBeforeNext = 0 }: RateLimiterRes): OutHeaders => ({
    ratelimit: `"${name}";r=${remainingPoints};t=${Math.max(Math.ceil(msBeforeNext / 1000), 1)}`,
    'ratelimit-policy': policy,
  })

  return {
    /** Counts a request and gives the headers to answer with. @throws Problem 429 */
    consume: async (key: string): Promise<OutHeaders> => {
      try {
        const state = await limiter.consume(await bounded(key))
        if (state.isFirstInDuration) newKeys += 1
        return headersOf(state)
      } catch (state) {
        if (state instanceof Error) throw state
        refused.inc({ limit: name })
        const headers = headersOf(state as RateLimiterRes) as Record<string, string>
        const seconds = String(Math.max(Math.ceil(((state as RateLimiterRes).msBeforeNext ?? 1000) / 1000), 1))
        throw new Problem('rate_limited', {
          detail: `at most ${points} requests in ${windowSeconds} s`,
          headers: { ...headers, 'retry-after': seconds },
        })
      }
    },
  }
}

/** How much one client may have under way: nobody can take up all connections to a service. */
export const createClientLoad = (limit: number) => {
  const underWay = new Map<string, number>()
  const refused = limited()
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
      res.once('close', () => {
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
