import type { Tokens } from '@clientele/contracts/user'
import { Problem } from '@clientele/platform/runtime/problem'
import { basicAuth } from './access-token.ts'
import { faultOf, KeycloakFault, keycloakUnavailable } from './keycloak-fault.ts'

type TokenAnswer = { access_token: string; refresh_token: string; expires_in: number; refresh_expires_in: number }
type OidcConfig = { keycloakUrl: string; keycloakIssuer: string; loginClientId: string; loginClientSecret: string }

/** How a password was taken. `unfinished`: it is right, but Keycloak asks for an action first (verify, new password). */
export type PasswordResult =
  | { outcome: 'signed_in'; tokens: Tokens }
  | { outcome: 'refused' }
  | { outcome: 'unfinished' }

const timeoutMs = 8_000

const tokensOf = (answer: TokenAnswer): Tokens => ({
  accessToken: answer.access_token,
  refreshToken: answer.refresh_token,
  expiresIn: answer.expires_in,
  refreshExpiresIn: answer.refresh_expires_in,
  tokenType: 'Bearer',
})

export type Oidc = ReturnType<typeof createOidc>

/** Keycloak's token endpoint through the confidential login client. Nothing is kept, nothing logged. */
export const createOidc = ({ keycloakUrl, keycloakIssuer, loginClientId, loginClientSecret }: OidcConfig) => {
  const base = `${keycloakUrl}/realms/${keycloakIssuer.split('/').at(-1)}/protocol/openid-connect`

  const post = async (path: string, fields: Record<string, string>, address?: string): Promise<unknown> => {
    const response = await fetch(`${base}/${path}`, {
      method: 'POST',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        authorization: basicAuth(loginClientId, loginClientSecret),
        // Heard where Keycloak trusts this service as a proxy: its events and its brute-force log name the person's address.
        ...(address !== undefined && { 'x-forwarded-for': address }),
      },
      body: new URLSearchParams(fields),
    }).catch((error: unknown) => {
      throw keycloakUnavailable(error)
    })
    const text = await response.text().catch((error: unknown) => {
      throw keycloakUnavailable(error)
    })
    if (!response.ok) throw faultOf(response.status, text)
    return text === '' ? undefined : JSON.parse(text)
  }

  const errorOf = (error: unknown): { code: string; description: string } => {
    if (!(error instanceof KeycloakFault) || error.status >= 500)
      throw error instanceof Problem ? error : keycloakUnavailable(error)
    return { code: String(error.fields['error'] ?? ''), description: String(error.fields['error_description'] ?? '') }
  }

  return {
    password: async (username: string, password: string, address?: string): Promise<PasswordResult> => {
      try {
        const answer = await post('token', { grant_type: 'password', scope: 'openid', username, password }, address)
        return { outcome: 'signed_in', tokens: tokensOf(answer as TokenAnswer) }
      } catch (error) {
        const { code, description } = errorOf(error)
        if (code !== 'invalid_grant') throw keycloakUnavailable(error)
        return { outcome: /not fully set up/i.test(description) ? 'unfinished' : 'refused' }
      }
    },

    /** @throws Problem 401 `invalid_token` */
    refresh: async (refreshToken: string): Promise<Tokens> => {
      try {
        return tokensOf(
          (await post('token', { grant_type: 'refresh_token', refresh_token: refreshToken })) as TokenAnswer,
        )
      } catch (error) {
        // The second is what Keycloak says of a token that is longer than it reads.
        if (!['invalid_grant', 'invalid_request'].includes(errorOf(error).code)) throw keycloakUnavailable(error)
        throw new Problem('invalid_token', {
          detail: 'the refresh token is not valid any more; sign in again',
          headers: { 'WWW-Authenticate': 'Bearer realm="clientele"' },
        })
      }
    },

    /** Ends the session of a refresh token. @returns false for a token that was not valid any more */
    signOut: async (refreshToken: string): Promise<boolean> => {
      try {
        await post('logout', { refresh_token: refreshToken })
        return true
      } catch (error) {
        if (errorOf(error).code !== 'invalid_grant') throw keycloakUnavailable(error)
        return false
      }
    },
  }
}
