import type { KeyObject } from 'node:crypto'

/**
 * What keycloak-connect 26.1.1 offers but leaves out of its type definitions: a documented setting of the adapter, and
 * public properties of `GrantManager`, `Rotation` and `Token`.
 */
declare module 'keycloak-connect' {
  interface KeycloakConfig {
    /** Whether `resource` must be in the token's `aud`; off by default. */
    'verify-token-audience'?: boolean
  }
  interface GrantManager {
    /** The issuer that a token must name. */
    realmUrl: string
    rotation: Rotation
  }
  interface Rotation {
    /** The public key of that id. */
    getJWK(kid: string): Promise<KeyObject>
  }
  interface Token {
    header: { alg?: string }
    content: Claims
  }
  /** As they stand in the token. */
  interface Claims {
    exp?: unknown
    iat?: unknown
    nbf?: unknown
    sub?: unknown
    sid?: unknown
    name?: unknown
    preferred_username?: unknown
    realm_access?: { roles?: unknown }
  }
}
