import type { ActorRef } from '@clientele/contracts/fields'
import KeycloakConnect, { type Claims, type Token } from 'keycloak-connect'
import { LruMap } from 'toad-cache'
import { publicName } from '../runtime/display-name.ts'
import { Problem } from '../runtime/problem.ts'
import { gauge } from '../runtime/telemetry.ts'
import { createRevocationList, type RevocationList } from './revocation-list.ts'
import { createKeyStore } from './signing-keys.ts'

/**
 * The user or service that makes a request. `displayName` is never an e-mail address. `token` is the access token, which is
 * forwarded to other services. `signedInAt` is the last sign-in in seconds since 1970, if the token has it.
 */
export type Actor = {
  id: string
  displayName: string
  roles: readonly string[]
  token: string
  sessionId?: string
  signedInAt?: number
}

/** A verified access token. Times are in seconds since 1970 (RFC 7519 NumericDate). */
export type VerifiedToken = { actor: Actor; issuedAt: number; expiresAt: number }

export type TokenVerifier = {
  /**
   * Returns the token of an `Authorization` header if it was verified in the last 30 s, else undefined.
   * @throws Problem as `verify`, for a token that was revoked since
   */
  cached(header: string | undefined): VerifiedToken | undefined
  /** @throws Problem 401 `invalid_token`, or 503 `unavailable` without signing keys or revocations */
  verify(token: string): Promise<VerifiedToken>
  /** The revoked tokens. They are empty, and no token is accepted, until a reader has loaded them. */
  revocations: RevocationList
  /** Fetches the signing keys. Rejects if Keycloak is unavailable. */
  warmUp(): Promise<void>
  /** The readiness check: resolves if tokens can be verified. While the keys are cached, this does not need Keycloak. */
  ready(): Promise<void>
  /** Milliseconds since the signing keys were last fetched; infinite before the first fetch. */
  keyAgeMs(): number
}

/** Creates the actor of background work, such as a poller, a consumer or a cleanup. */
export const systemActor = (name: string): Actor => ({ id: `system:${name}`, displayName: name, roles: [], token: '' })
/** The actor of an event, as the actor of what its consumer does. It has neither roles nor a token. */
export const eventActor = (ref: ActorRef): Actor => ({ ...ref, roles: [], token: '' })
/** Whether the actor has the role `admin`. */
export const isAdmin = ({ roles }: Actor): boolean => roles.includes('admin')
/** Converts an actor for records and events, without roles and token. */
export const actorRef = ({ id, displayName }: Actor): ActorRef => ({ id, displayName })

const maxTokenLength = 8_192
const cacheMs = 30_000
const cacheSize = 10_000
const clockSkewSeconds = 5

const nonEmptyString = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined
const invalidToken = (detail: string): Problem =>
  new Problem('invalid_token', { detail, headers: challenge('invalid_token', detail) })
/** The usual mistake with a new client in Keycloak, so the response says how to correct it. */
const missingAudience = (audience: string): Problem =>
  invalidToken(
    `the token does not have the audience ${audience}: in Keycloak, add the client scope ${audience} to the client (docs/identity-providers.md, The audience of tokens)`,
  )
const challenge = (error: string, description: string) => ({
  'WWW-Authenticate': `Bearer error="${error}", error_description="${description}"`,
})

/** Returns the token of an `Authorization: Bearer` header (RFC 6750, section 2.1). @throws Problem 401 */
export const bearerToken = (header: string | undefined): string => {
  if (header === undefined || header === '')
    throw new Problem('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="clientele"' } })
  const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header)?.[1]
  if (token === undefined || token.length > maxTokenLength)
    throw invalidToken('the Authorization header has no bearer token')
  return token
}

/**
 * The last sign-in of a token's user: `auth_time`, which a refresh keeps. A service account has no session and authenticates for
 * each token, so its `iat` counts.
 */
const signInTimeOf = ({ auth_time: authTime, iat, sid, preferred_username: username }: Claims): number | undefined => {
  if (typeof authTime === 'number') return authTime
  const isServiceAccount = sid === undefined && typeof username === 'string' && username.startsWith('service-account-')
  return isServiceAccount && typeof iat === 'number' ? iat : undefined
}

/** The client id of a service account: its username only repeats the id, behind a prefix. */
const programOf = ({ preferred_username: username, client_id: clientId }: Claims): unknown =>
  nonEmptyString(username)?.startsWith('service-account-') === true ? clientId : undefined

const toVerifiedToken = (token: string, { header, content: claims }: Token): VerifiedToken => {
  const { exp, iat, nbf, sub } = claims
  const now = Date.now() / 1000
  const valid =
    header.alg === 'RS256' &&
    typeof exp === 'number' &&
    typeof iat === 'number' &&
    typeof sub === 'string' &&
    iat <= now + clockSkewSeconds &&
    (nbf === undefined || (typeof nbf === 'number' && nbf <= now + clockSkewSeconds))
  if (!valid) throw invalidToken('a claim of the token is missing or not valid now')
  const roles = claims.realm_access?.roles
  const sessionId = nonEmptyString(claims.sid)
  const signedInAt = signInTimeOf(claims)
  return {
    actor: {
      id: sub,
      displayName: publicName(sub, claims.name, programOf(claims), claims.preferred_username),
      roles: Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [],
      token,
      ...(sessionId !== undefined && { sessionId }),
      ...(signedInAt !== undefined && { signedInAt }),
    },
    issuedAt: iat,
    expiresAt: exp,
  }
}

// The end of the signature identifies a token. Hashing the whole token takes ten times as long.
const cacheKeyOf = (token: string): string => token.slice(-64)

/**
 * Verifies Keycloak access tokens. The grant manager of keycloak-connect checks signature, issuer, audience, type and expiry.
 * This module adds checks of required claims, `nbf`, `iat`, the algorithm and revocations, and handles key rotation and
 * timeouts. Verified tokens are cached for at most 30 s and never beyond `exp`. The `middleware()` of keycloak-connect is not
 * used, because it adds routes.
 */
export const createTokenVerifier = (options: {
  keycloakUrl: string
  keycloakIssuer: string
  keycloakAudience: string
}): TokenVerifier => {
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
      // The type requires these two; the adapter for Node does not read them.
      'ssl-required': 'external',
      'confidential-port': 0,
    },
  )
  manager.realmUrl = options.keycloakIssuer
  manager.rotation.getJWK = (kid) => keys.getKey(kid)
  gauge('keycloak_keys_age_seconds', "Time since Keycloak's signing keys were last fetched", [], function () {
    const ms = keys.ageMs()
    if (Number.isFinite(ms)) this.set(ms / 1000)
  })

  const verifyUncached = async (token: string): Promise<VerifiedToken> => {
    const grant = await manager.createGrant(JSON.stringify({ access_token: token })).catch(async (error: unknown) => {
      if (String(error).includes('wrong audience')) throw missingAudience(options.keycloakAudience)
      if (!keys.isUsable()) await keys.refresh()
      throw invalidToken('the token is not valid')
    })
    if (!grant.access_token) throw invalidToken('the token is not valid')
    return toVerifiedToken(token, grant.access_token)
  }

  const revocations = createRevocationList()
  const cache = new LruMap<VerifiedToken>(cacheSize, cacheMs)
  const cached = (token: string): VerifiedToken | undefined => {
    const verified = cache.get(cacheKeyOf(token))
    const isValid = verified?.actor.token === token && verified.expiresAt * 1000 > Date.now()
    if (!isValid) return undefined
    revocations.check(verified)
    return verified
  }

  return {
    cached: (header) => (header?.startsWith('Bearer ') ? cached(header.slice('Bearer '.length)) : undefined),
    warmUp: keys.refresh,
    ready: async () => {
      if (!keys.isUsable()) await keys.refresh()
    },
    keyAgeMs: keys.ageMs,
    revocations,
    verify: async (token) => {
      const hit = cached(token)
      if (hit) return hit
      const verified = await verifyUncached(token)
      revocations.check(verified)
      cache.set(cacheKeyOf(token), verified)
      return verified
    },
  }
}
