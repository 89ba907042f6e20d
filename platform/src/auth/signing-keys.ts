import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { Problem } from '../runtime/problem.ts'

const refreshMs = 600_000
const cooldownMs = 5_000
const staleMs = 3_600_000
const fetchMs = 3_000

const unavailable = (cause: unknown): Problem =>
  new Problem('unavailable', {
    detail: 'the identity provider is not reachable',
    headers: { 'Retry-After': '5' },
    cause,
  })

/**
 * The realm's RS256 signing keys (RFC 7517): one fetch at a time, with a time-out; refreshed every 10 minutes so that a
 * withdrawn key dies; at most one fetch in 5 s for unknown ids; unusable after an hour without Keycloak.
 */
export const createKeyStore = (url: string) => {
  let keys = new Map<string, KeyObject>()
  let fetchedAt = 0
  let triedAt = Number.NEGATIVE_INFINITY
  let running: Promise<void> | undefined

  const load = async (): Promise<void> => {
    triedAt = Date.now()
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(fetchMs) })
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
    running ??= load().finally(() => {
      running = undefined
    })
    return running
  }

  return {
    refresh,
    /** Milliseconds since the keys were last read; infinite before the first time. */
    ageMs: (): number => (fetchedAt === 0 ? Number.POSITIVE_INFINITY : Date.now() - fetchedAt),
    /** Whether a token can be checked now. */
    usable: (): boolean => fetchedAt > 0 && Date.now() - fetchedAt <= staleMs,
    /** @throws Problem `invalid_token` for an unknown key, `unavailable` when there are no fresh keys */
    key: async (kid: string): Promise<KeyObject> => {
      const now = Date.now()
      const mayTry = running !== undefined || now - triedAt > cooldownMs
      if (!keys.has(kid) && mayTry)
        await refresh().catch((error) => (fetchedAt === 0 ? Promise.reject(error) : undefined))
      else if (now - fetchedAt > refreshMs && mayTry) refresh().catch(() => {})
      if (fetchedAt === 0 || now - fetchedAt > staleMs) throw unavailable(undefined)
      const key = keys.get(kid)
      if (!key) throw new Problem('invalid_token', { detail: 'signed with an unknown key' })
      return key
    },
  }
}
