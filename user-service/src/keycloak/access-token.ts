import { faultOf } from './keycloak-fault.ts'

export type TokenOptions = { tokenUrl: string; clientId: string; clientSecret: string; timeoutMs: number }
type Answer = { access_token: string; expires_in: number }

const renewBeforeMs = 30_000

/** `Authorization: Basic` of a confidential client (RFC 6749, section 2.3.1). */
export const basicAuth = (clientId: string, clientSecret: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString('base64')}`

/**
 * The service account's access token. The admin client renews only with a refresh token, which client credentials do not
 * give, so it is renewed here: ahead of expiry, one request at a time.
 */
export const accessTokenSource = ({ tokenUrl, clientId, clientSecret, timeoutMs }: TokenOptions) => {
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
    if (!response.ok) throw faultOf(response.status, await response.text())
    const answer = (await response.json()) as Answer
    token = answer.access_token
    renewAt = Date.now() + Math.max(answer.expires_in * 1000 - renewBeforeMs, answer.expires_in * 500)
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
    /** Makes the next call ask for a new token: Keycloak refused this one before its time. */
    forget: (): void => {
      renewAt = 0
    },
  }
}
