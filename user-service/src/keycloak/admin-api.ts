import { histogram } from '@clientele/platform/runtime/telemetry'
import KeycloakAdminClient, { NetworkError } from '@keycloak/keycloak-admin-client'
import pLimit from 'p-limit'
import { createTokenSource } from './access-token.ts'
import { KeycloakError, toKeycloakError } from './keycloak-error.ts'

/** Keycloak's address, and the client credentials of the service account. */
export type KeycloakConfig = {
  keycloakUrl: string
  keycloakIssuer: string
  keycloakClientId: string
  keycloakClientSecret: string
}

const timeoutMs = 5_000
/** Longer than the 10 s that Keycloak waits for its mail server. */
const slowTimeoutMs = 15_000
/** Keeps capacity of Keycloak free for sign-ins while a reconciliation runs. */
const maxConcurrentCalls = 16

/** The name of the realm: the last path segment of the issuer. */
const realmOf = (issuer: string): string => decodeURIComponent(issuer.split('/').at(-1) ?? '')

export type AdminApi = ReturnType<typeof createAdminApi>

/**
 * Calls Keycloak's Admin API, with a timeout and a limit of concurrent calls. After a 401 the token is renewed and the call
 * repeated once, because "sign out all sessions" of the realm also revokes the service account's token. Calls reject with a
 * KeycloakError, or with the error of `fetch` when Keycloak is unavailable.
 */
export const createAdminApi = (config: KeycloakConfig) => {
  const realm = realmOf(config.keycloakIssuer)
  const tokens = createTokenSource({
    tokenUrl: `${config.keycloakUrl}/realms/${encodeURIComponent(realm)}/protocol/openid-connect/token`,
    clientId: config.keycloakClientId,
    clientSecret: config.keycloakClientSecret,
    timeoutMs,
  })
  const clientWith = (timeout: number): KeycloakAdminClient => {
    const client = new KeycloakAdminClient({ baseUrl: config.keycloakUrl, realmName: realm, timeout })
    client.registerTokenProvider(tokens)
    return client
  }
  const client = clientWith(timeoutMs)
  const slowClient = clientWith(slowTimeoutMs)

  const seconds = histogram('keycloak_admin_seconds', "Duration of calls of Keycloak's Admin API", ['outcome'])
  const limit = pLimit(maxConcurrentCalls)

  const callOnce = <T>(client: KeycloakAdminClient, work: (client: KeycloakAdminClient) => Promise<T>): Promise<T> =>
    work(client).catch((error: unknown) => {
      throw error instanceof NetworkError ? toKeycloakError(error.response.status, error.responseData) : error
    })

  const callMeasured = async <T>(
    client: KeycloakAdminClient,
    work: (client: KeycloakAdminClient) => Promise<T>,
  ): Promise<T> => {
    const end = seconds.startTimer()
    let outcome = 'failed'
    try {
      const result = await callOnce(client, work).catch((error: unknown) => {
        if (!(error instanceof KeycloakError) || error.status !== 401) throw error
        tokens.invalidate()
        return callOnce(client, work)
      })
      outcome = 'done'
      return result
    } catch (error) {
      // 4xx: Keycloak works, but refuses this call.
      if (error instanceof KeycloakError && error.status < 500) outcome = 'refused'
      throw error
    } finally {
      end({ outcome })
    }
  }

  const run = <T>(client: KeycloakAdminClient, work: (client: KeycloakAdminClient) => Promise<T>): Promise<T> =>
    limit(() => callMeasured(client, work))

  return {
    realm,
    call: <T>(work: (client: KeycloakAdminClient) => Promise<T>): Promise<T> => run(client, work),
    /** For calls that may take up to 15 s: those that send mail before they respond, and large pages. */
    callSlow: <T>(work: (client: KeycloakAdminClient) => Promise<T>): Promise<T> => run(slowClient, work),
    /** The user id of the service account. Events that it caused come from our own calls. */
    serviceAccountId: async (): Promise<string> => {
      const [, claims = ''] = (await tokens.getAccessToken()).split('.')
      return String((JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub?: unknown }).sub)
    },
  }
}
