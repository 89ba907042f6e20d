import { histogram } from '@clientele/platform/runtime/telemetry'
import KeycloakAdminClient, { NetworkError } from '@keycloak/keycloak-admin-client'
import pLimit from 'p-limit'
import { accessTokenSource } from './access-token.ts'
import { faultOf, KeycloakFault } from './keycloak-fault.ts'

/** Where Keycloak is and as whom the service speaks to it. */
export type KeycloakConfig = {
  keycloakUrl: string
  keycloakIssuer: string
  keycloakClientId: string
  keycloakClientSecret: string
}

const timeoutMs = 5_000
/** Keycloak's own time-out for the mail server is 10 s. */
const patientTimeoutMs = 15_000
/** Calls under way at once, so that a sweep leaves Keycloak air to breathe. */
const maxCalls = 16

/** The realm's name is the last part of the issuer. */
const realmOf = (issuer: string): string => decodeURIComponent(issuer.split('/').at(-1) ?? '')

export type AdminApi = ReturnType<typeof createAdminApi>

/**
 * The one way to Keycloak's Admin API: bounded in time and number; a refused token is renewed once (a realm-wide
 * not-before also hits our own). Rejects with a KeycloakFault, or whatever fetch throws when Keycloak does not answer.
 */
export const createAdminApi = (config: KeycloakConfig) => {
  const realm = realmOf(config.keycloakIssuer)
  const tokens = accessTokenSource({
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
  const ordinary = clientWith(timeoutMs)
  const patient = clientWith(patientTimeoutMs)

  const seconds = histogram('keycloak_admin_seconds', "Calls of Keycloak's Admin API", ['outcome'])
  const limit = pLimit(maxCalls)

  const attempt = <T>(client: KeycloakAdminClient, work: (client: KeycloakAdminClient) => Promise<T>): Promise<T> =>
    work(client).catch((error: unknown) => {
      throw error instanceof NetworkError ? faultOf(error.response.status, error.responseData) : error
    })

  const measured = async <T>(
    client: KeycloakAdminClient,
    work: (client: KeycloakAdminClient) => Promise<T>,
  ): Promise<T> => {
    const end = seconds.startTimer()
    let outcome = 'failed'
    try {
      const result = await attempt(client, work).catch((error: unknown) => {
        if (!(error instanceof KeycloakFault) || error.status !== 401) throw error
        tokens.forget()
        return attempt(client, work)
      })
      outcome = 'done'
      return result
    } catch (error) {
      // A refusal is an answer, too.
      if (error instanceof KeycloakFault && error.status < 500) outcome = 'refused'
      throw error
    } finally {
      end({ outcome })
    }
  }

  const run = <T>(client: KeycloakAdminClient, work: (client: KeycloakAdminClient) => Promise<T>): Promise<T> =>
    limit(() => measured(client, work))

  return {
    realm,
    call: <T>(work: (client: KeycloakAdminClient) => Promise<T>): Promise<T> => run(ordinary, work),
    /** For calls that take Keycloak longer: those that send a mail before they answer, and big pages. */
    callPatiently: <T>(work: (client: KeycloakAdminClient) => Promise<T>): Promise<T> => run(patient, work),
    /** The id of the service account: events that it caused are our own doing. */
    ownId: async (): Promise<string> => {
      const [, claims = ''] = (await tokens.getAccessToken()).split('.')
      return String((JSON.parse(Buffer.from(claims, 'base64url').toString()) as { sub?: unknown }).sub)
    },
  }
}
