import type { Tokens } from '@clientele/contracts/user'
import { Problem } from '@clientele/platform/runtime/problem'
import { basicAuth } from './access-token.ts'
import { KeycloakError, keycloakUnavailable, toKeycloakError } from './keycloak-error.ts'

type TokenResponse = { access_token: string; refresh_token: string; expires_in: number; refresh_expires_in: number }
type OidcConfig = { keycloakUrl: string; keycloakIssuer: string; loginClientId: string; loginClientSecret: string }

/** `totp`: the one-time code of an account with a second factor. */
type Credentials = { username: string; password: string; totp?: string | undefined }

/**
 * The result of a password sign-in. `action_required`: the password is right, but the user has to do something in Keycloak
 * first, for example verify the e-mail address or set a new password.
 */
export type PasswordResult =
  | { outcome: 'signed_in'; tokens: Tokens }
  | { outcome: 'refused' }
  | { outcome: 'action_required' }

const timeoutMs = 8_000
const otherClientText = "Token client and authorized client don't match"

const invalidRefreshToken = (detail: string): Problem =>
  new Problem('invalid_token', { detail, headers: { 'WWW-Authenticate': 'Bearer realm="clientele"' } })

const toTokens = (response: TokenResponse): Tokens => ({
  accessToken: response.access_token,
  refreshToken: response.refresh_token,
  expiresIn: response.expires_in,
  refreshExpiresIn: response.refresh_expires_in,
  tokenType: 'Bearer',
})

export type Oidc = ReturnType<typeof createOidc>

/** Calls Keycloak's OpenID Connect endpoints as the confidential login client. Passwords and tokens are neither stored nor logged. */
export const createOidc = ({ keycloakUrl, keycloakIssuer, loginClientId, loginClientSecret }: OidcConfig) => {
  const base = `${keycloakUrl}/realms/${keycloakIssuer.split('/').at(-1)}/protocol/openid-connect`

  const post = async (path: string, fields: Record<string, string>, address?: string): Promise<unknown> => {
    const response = await fetch(`${base}/${path}`, {
      method: 'POST',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        authorization: basicAuth(loginClientId, loginClientSecret),
        // If Keycloak trusts this service as a proxy, its events and its brute-force detection show the user's address.
        ...(address !== undefined && { 'x-forwarded-for': address }),
      },
      body: new URLSearchParams(fields),
    }).catch((error: unknown) => {
      throw keycloakUnavailable(error)
    })
    const text = await response.text().catch((error: unknown) => {
      throw keycloakUnavailable(error)
    })
    if (!response.ok) throw toKeycloakError(response.status, text)
    return text === '' ? undefined : JSON.parse(text)
  }

  /** Keycloak works, but refuses our client: an operator has to correct its settings, so a retry does not help. */
  const clientRefused = (cause: unknown): Problem =>
    new Problem('internal', {
      detail: `Keycloak refuses the client that passwords are sent with (LOGIN_CLIENT_ID): ${errorOf(cause).code}`,
      cause,
    })

  const errorOf = (error: unknown): { code: string; description: string } => {
    if (!(error instanceof KeycloakError) || error.status >= 500)
      throw error instanceof Problem ? error : keycloakUnavailable(error)
    return { code: String(error.fields['error'] ?? ''), description: String(error.fields['error_description'] ?? '') }
  }

  return {
    /** The resource owner password grant (RFC 6749, section 4.3). @throws Problem 503 when Keycloak is unavailable */
    signIn: async ({ username, password, totp }: Credentials, address?: string): Promise<PasswordResult> => {
      const fields = { grant_type: 'password', scope: 'openid', username, password, ...(totp && { totp }) }
      try {
        const response = await post('token', fields, address)
        return { outcome: 'signed_in', tokens: toTokens(response as TokenResponse) }
      } catch (error) {
        const { code, description } = errorOf(error)
        if (code !== 'invalid_grant') throw clientRefused(error)
        return { outcome: /not fully set up/i.test(description) ? 'action_required' : 'refused' }
      }
    },

    /** @throws Problem 401 `invalid_token` */
    refresh: async (refreshToken: string): Promise<Tokens> => {
      try {
        return toTokens(
          (await post('token', { grant_type: 'refresh_token', refresh_token: refreshToken })) as TokenResponse,
        )
      } catch (error) {
        // Keycloak responds with `invalid_request` to a token that is too long for it.
        if (!['invalid_grant', 'invalid_request'].includes(errorOf(error).code)) throw clientRefused(error)
        throw invalidRefreshToken('the refresh token is not valid; sign in again')
      }
    },

    /**
     * Ends the session of a refresh token. @returns `other_client` if the token is valid but was issued to another client, for
     * which Keycloak ends nothing @throws Problem 401 `invalid_token`
     */
    signOut: async (refreshToken: string): Promise<'ended' | 'other_client'> => {
      try {
        await post('logout', { refresh_token: refreshToken })
        return 'ended'
      } catch (error) {
        const { code, description } = errorOf(error)
        // Keycloak compares the clients only after it has checked the token's signature, realm and type.
        if (code === 'invalid_grant' && description.includes(otherClientText)) return 'other_client'
        if (!['invalid_grant', 'invalid_request'].includes(code)) throw clientRefused(error)
        throw invalidRefreshToken('the refresh token is not valid')
      }
    },
  }
}
