import type { KeyObject } from 'node:crypto'

/**
 * Completes the type definitions of keycloak-connect 26.1.1 with a documented setting of the adapter and with public
 * properties of `GrantManager`, `Rotation` and `Token`.
 */
declare module 'keycloak-connect' {
  interface KeycloakConfig {
    /** Whether the `aud` of a token must contain `resource`. Default false. */
    'verify-token-audience'?: boolean
  }
  interface GrantManager {
    /** The expected `iss` of a token. */
    realmUrl: string
    rotation: Rotation
  }
  interface Rotation {
    /** Returns the public key with the id `kid`. */
    getJWK(kid: string): Promise<KeyObject>
  }
  interface Token {
    header: { alg?: string }
    content: Claims
  }
  /** The claims of the token, not yet checked. */
  interface Claims {
    exp?: unknown
    iat?: unknown
    nbf?: unknown
    sub?: unknown
    sid?: unknown
    auth_time?: unknown
    name?: unknown
    preferred_username?: unknown
    client_id?: unknown
    realm_access?: { roles?: unknown }
  }
}
