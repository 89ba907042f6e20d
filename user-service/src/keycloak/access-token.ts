import { toKeycloakError } from './keycloak-error.ts'

export type TokenOptions = { tokenUrl: string; clientId: string; clientSecret: string; timeoutMs: number }
type TokenResponse = { access_token: string; expires_in: number }

const renewBeforeMs = 30_000

/** `Authorization: Basic` of a confidential client (RFC 6749, section 2.3.1). */
export const basicAuth = (clientId: string, clientSecret: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64')}`

/**
 * Provides the service account's access token. Keycloak's admin client renews a token only by a refresh token, which the
 * client credentials grant does not issue. So it is renewed here: 30 s before it expires, by one request at a time.
 */
export const createTokenSource = ({ tokenUrl, clientId, clientSecret, timeoutMs }: TokenOptions) => {
  let token = ''
  let renewAt = 0
  let loading: Promise<string> | undefined

  const load = async (): Promise<string> => {
    const response = await fetch(tokenUrl, {
      method: 'POST',
      signal: AbortSignal.timeout(timeoutMs),
      headers: { authorization: basicAuth(clientId, clientSecret) },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    if (!response.ok) throw toKeycloakError(response.status, await response.text())
    const body = (await response.json()) as TokenResponse
    token = body.access_token
    renewAt = Date.now() + Math.max(body.expires_in * 1000 - renewBeforeMs, body.expires_in * 500)
    return token
  }

  return {
    getAccessToken: async (): Promise<string> => {
      if (Date.now() < renewAt) return token
      loading ??= load().finally(() => {
        loading = undefined
      })
      return loading
    },
    /** Makes the next call request a new token. Use it when Keycloak refuses the present one before it expires. */
    invalidate: (): void => {
      renewAt = 0
    },
  }
}
