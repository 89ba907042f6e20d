import type { ActorRef } from '@clientele/contracts/fields'
import KeycloakConnect, { type Token } from 'keycloak-connect'
import { LruMap } from 'toad-cache'
import { Problem } from '../runtime/problem.ts'
import { gauge } from '../runtime/telemetry.ts'
import { createKeyStore } from './signing-keys.ts'

/** Who makes a request. `token` is what they sent, to be passed on to other services. */
export type Actor = { id: string; displayName: string; roles: readonly string[]; token: string; sessionId?: string }

/** A checked access token; times are seconds since 1970 (RFC 7519 NumericDate). */
export type VerifiedToken = { actor: Actor; issuedAt: number; expiresAt: number }

export type Verifier = {
  /** What an `Authorization` header says whose token was verified moments ago. */
  known(header: string | undefined): VerifiedToken | undefined
  /** @throws Problem 401 `invalid_token`; 503 `unavailable` while there are no keys */
  verify(token: string): Promise<VerifiedToken>
  /** Reads the keys; rejects while Keycloak is away. */
  warmUp(): Promise<void>
  /** Resolves while tokens can be checked: with known keys also when Keycloak is away. For readiness. */
  ready(): Promise<void>
  keyAgeMs(): number
}

/** What acts where nobody is signed in: pollers, consumers, sweepers. */
export const systemActor = (name: string): Actor => ({ id: `system:${name}`, displayName: name, roles: [], token: '' })
export const isAdmin = ({ roles }: Actor): boolean => roles.includes('admin')
export const actorRef = ({ id, displayName }: Actor): ActorRef => ({ id, displayName })

const maxTokenLength = 8_192
const cacheMs = 30_000
const cacheSize = 10_000
const skewSeconds = 5

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
const refused = (detail: string): Problem =>
  new Problem('invalid_token', { detail, headers: challenge('invalid_token', detail) })
const challenge = (error: string, description: string) => ({
  'WWW-Authenticate': `Bearer error="${error}", error_description="${description}"`,
})

/** The token of an `Authorization: Bearer` header (RFC 6750, section 2.1). @throws Problem 401 */
export const bearerToken = (header: string | undefined): string => {
  if (header === undefined || header === '')
    throw new Problem('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="clientele"' } })
  const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header)?.[1]
  if (token === undefined || token.length > maxTokenLength) throw refused('not a bearer token')
  return token
}

const present = (token: string, { header, content: claims }: Token): VerifiedToken => {
  const { exp, iat, nbf, sub } = claims
  const now = Date.now() / 1000
  const valid =
    header.alg === 'RS256' &&
    typeof exp === 'number' &&
    typeof iat === 'number' &&
    typeof sub === 'string' &&
    iat <= now + skewSeconds &&
    (nbf === undefined || (typeof nbf === 'number' && nbf <= now + skewSeconds))
  if (!valid) throw refused('claims are missing or out of time')
  const roles = claims.realm_access?.roles
  const sessionId = text(claims.sid)
  return {
    actor: {
      id: sub,
      displayName: text(claims.name) ?? text(claims.preferred_username) ?? sub,
      roles: Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [],
      token,
      ...(sessionId !== undefined && { sessionId }),
    },
    issuedAt: iat,
    expiresAt: exp,
  }
}

// The end of a signature tells tokens apart, and takes a tenth of the time that hashing a whole token does.
const keyOf = (token: string): string => token.slice(-64)

/**
 * Checks Keycloak access tokens: signature, issuer, audience, type and expiry by keycloak-connect's grant manager; what that
 * leaves out (a missing `exp`, `nbf`, `iat`, the algorithm, key rotation and time-outs) here. Verified tokens are kept for
 * at most 30 s and never beyond `exp`. keycloak-connect's `middleware()` is never mounted: it adds routes of its own.
 */
export const createVerifier = (options: {
  keycloakUrl: string
  keycloakIssuer: string
  keycloakAudience: string
}): Verifier => {
  const realm = options.keycloakIssuer.split('/').at(-1) ?? ''
  const keys = createKeyStore(`${options.keycloakUrl}/realms/${realm}/protocol/openid-connect/certs`)
  const { grantManager: manager } = new KeycloakConnect(
    {},
    {
      'auth-server-url': options.keycloakUrl,
      realm,
      resource: options.keycloakAudience,
      'bearer-only': true,
      'verify-token-audience': true,
      // Required by the type and written by Keycloak's console; the adapter for Node reads neither.
      'ssl-required': 'external',
      'confidential-port': 0,
    },
  )
  manager.realmUrl = options.keycloakIssuer
  manager.rotation.getJWK = (kid) => keys.key(kid)
  gauge('keycloak_keys_age_seconds', "Since Keycloak's keys were last read", [], function () {
    const ms = keys.ageMs()
    if (Number.isFinite(ms)) this.set(ms / 1000)
  })

  const check = async (token: string): Promise<VerifiedToken> => {
    const grant = await manager.createGrant(JSON.stringify({ access_token: token })).catch(async () => {
      if (!keys.usable()) await keys.refresh()
      throw refused('the token is not valid')
    })
    if (!grant.access_token) throw refused('the token is not valid')
    return present(token, grant.access_token)
  }

  const cache = new LruMap<VerifiedToken>(cacheSize, cacheMs)
  const cached = (token: string): VerifiedToken | undefined => {
    const verified = cache.get(keyOf(token))
    const isValid = verified?.actor.token === token && verified.expiresAt * 1000 > Date.now()
    return isValid ? verified : undefined
  }

  return {
    known: (header) => (header?.startsWith('Bearer ') ? cached(header.slice('Bearer '.length)) : undefined),
    warmUp: keys.refresh,
    ready: async () => {
      if (!keys.usable()) await keys.refresh()
    },
    keyAgeMs: keys.ageMs,
    verify: async (token) => {
      const hit = cached(token)
      if (hit) return hit
      const verified = await check(token)
      cache.set(keyOf(token), verified)
      return verified
    },
  }
}
