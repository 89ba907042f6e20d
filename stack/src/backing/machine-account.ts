import { setTimeout as sleep } from 'node:timers/promises'
import { audience, audienceMapper } from './audience.ts'
import { grantRole, type KeycloakAdmin } from './keycloak-admin.ts'

type ProtocolMapper = { protocolMapper?: string; config?: Record<string, string> }
type Client = {
  id: string
  secret?: string
  serviceAccountsEnabled?: boolean
  standardFlowEnabled?: boolean
  protocolMappers?: ProtocolMapper[]
  defaultClientScopes?: string[]
}

const findClient = async ({ call }: KeycloakAdmin, realm: string, clientId: string): Promise<Client | undefined> =>
  ((await call('GET', `/${realm}/clients?clientId=${encodeURIComponent(clientId)}`)) as Client[] | undefined)?.[0]

/** The client with this id. A machine account is one that only gets tokens for itself, and for Clientele. */
export const findMachineAccount = async (
  admin: KeycloakAdmin,
  realm: string,
  clientId: string,
): Promise<{ id: string; isMachineAccount: boolean } | undefined> => {
  const client = await findClient(admin, realm, clientId)
  if (!client) return undefined
  const { id, serviceAccountsEnabled, standardFlowEnabled, protocolMappers = [], defaultClientScopes = [] } = client
  const isForClientele =
    defaultClientScopes.includes(audience) ||
    protocolMappers.some(({ config }) => config?.['included.custom.audience'] === audience)
  return { id, isMachineAccount: serviceAccountsEnabled === true && standardFlowEnabled !== true && isForClientele }
}

/** The claim `name` becomes the display name of the actor. Service accounts have no name of their own. */
const mappers = (displayName: string) => [
  audienceMapper,
  {
    name: 'display name',
    protocol: 'openid-connect',
    protocolMapper: 'oidc-hardcoded-claim-mapper',
    config: {
      'claim.name': 'name',
      'claim.value': displayName,
      'jsonType.label': 'String',
      'access.token.claim': 'true',
      'id.token.claim': 'false',
      'introspection.token.claim': 'true',
    },
  },
]

/** Creates a client that gets tokens only with its secret, and only with these roles. @returns the secret */
export const createMachineAccount = async (
  admin: KeycloakAdmin,
  realm: string,
  { clientId, displayName, roles }: { clientId: string; displayName: string; roles: string[] },
): Promise<string> => {
  const { call } = admin
  await call('POST', `/${realm}/clients`, {
    clientId,
    name: displayName,
    description: 'Machine account of Clientele',
    publicClient: false,
    clientAuthenticatorType: 'client-secret',
    serviceAccountsEnabled: true,
    standardFlowEnabled: false,
    implicitFlowEnabled: false,
    directAccessGrantsEnabled: false,
    fullScopeAllowed: false,
    attributes: { 'oauth2.device.authorization.grant.enabled': 'false' },
    protocolMappers: mappers(displayName),
  })
  const client = await findClient(admin, realm, clientId)
  if (!client?.secret) throw new Error('Keycloak created the client, but does not return its secret')
  try {
    const account = (await call('GET', `/${realm}/clients/${client.id}/service-account-user`)) as { id: string }
    for (const role of roles) {
      await grantRole(admin, realm, account.id, role)
      await call('POST', `/${realm}/clients/${client.id}/scope-mappings/realm`, [
        await call('GET', `/${realm}/roles/${role}`),
      ])
    }
  } catch (error) {
    await call('DELETE', `/${realm}/clients/${client.id}`)
    throw error
  }
  return client.secret
}

/**
 * Replaces the secret of a client. Tokens that were issued in this second or earlier are refused, and the time of issue of a token
 * has whole seconds (RFC 7519, 4.1.6), so the new secret is told a second later.
 * @returns the new secret
 */
export const rotateSecret = async ({ call }: KeycloakAdmin, realm: string, id: string): Promise<string> => {
  const created = (await call('POST', `/${realm}/clients/${id}/client-secret`, {})) as { value: string }
  await sleep(1_000)
  return created.value
}
