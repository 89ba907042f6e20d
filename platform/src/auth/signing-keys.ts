import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { Problem } from '../runtime/problem.ts'

const refreshIntervalMs = 600_000
const minFetchIntervalMs = 5_000
const maxAgeMs = 3_600_000
const fetchTimeoutMs = 3_000

const unavailable = (cause: unknown): Problem =>
  new Problem('unavailable', {
    detail: 'the identity provider is unavailable',
    headers: { 'Retry-After': '5' },
    cause,
  })

/**
 * Caches the realm's RS256 signing keys (RFC 7517). At most one fetch runs at a time, with a timeout of 3 s. Keys are
 * refreshed after 10 minutes, so that withdrawn keys expire, and at most every 5 s for unknown key ids. After an hour without a
 * successful fetch the keys are no longer used.
 */
export const createKeyStore = (url: string) => {
  let keys = new Map<string, KeyObject>()
  let fetchedAt = 0
  let attemptedAt = Number.NEGATIVE_INFINITY
  let loading: Promise<void> | undefined

  const load = async (): Promise<void> => {
    attemptedAt = Date.now()
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(fetchTimeoutMs) })
      if (!response.ok) throw new Error(`status ${response.status}`)
      const body = (await response.json()) as { keys: (JsonWebKey & { kid?: string; use?: string; alg?: string })[] }
      keys = new Map(
        body.keys
          .filter((key) => key.use === 'sig' && key.alg === 'RS256' && key.kid !== undefined)
          .map((key) => [String(key.kid), createPublicKey({ key, format: 'jwk' })]),
      )
      fetchedAt = Date.now()
    } catch (error) {
      throw unavailable(error)
    }
  }
  const refresh = (): Promise<void> => {
    loading ??= load().finally(() => {
      loading = undefined
    })
    return loading
  }

  return {
    refresh,
    /** Milliseconds since the last successful fetch; infinite before the first one. */
    ageMs: (): number => (fetchedAt === 0 ? Number.POSITIVE_INFINITY : Date.now() - fetchedAt),
    /** Whether the keys are fresh enough to verify a token. */
    isUsable: (): boolean => fetchedAt > 0 && Date.now() - fetchedAt <= maxAgeMs,
    /**
     * Returns the key with the id `kid`.
     * @throws Problem `invalid_token` for an unknown key, `unavailable` without fresh keys
     */
    getKey: async (kid: string): Promise<KeyObject> => {
      const now = Date.now()
      const mayFetch = loading !== undefined || now - attemptedAt > minFetchIntervalMs
      if (!keys.has(kid) && mayFetch)
        await refresh().catch((error) => (fetchedAt === 0 ? Promise.reject(error) : undefined))
      else if (now - fetchedAt > refreshIntervalMs && mayFetch) refresh().catch(() => {})
      if (fetchedAt === 0 || now - fetchedAt > maxAgeMs) throw unavailable(undefined)
      const key = keys.get(kid)
      if (!key) throw new Problem('invalid_token', { detail: 'the token is signed with an unknown key' })
      return key
    },
  }
}
