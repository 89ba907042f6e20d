import { testEnv } from './database.ts'
import { testRealm } from './service.ts'

/** A client of Keycloak's Admin API, which the Keycloak console uses too. */
export type RealmAdmin = ReturnType<typeof realmAdmin>

type TokenResponse = { access_token: string; refresh_token?: string; id_token?: string; expires_in: number }

/** Calls a realm's token endpoint. @throws Error with Keycloak's response */
export const requestToken = async (realm: string, fields: Record<string, string>): Promise<TokenResponse> => {
  const response = await fetch(`${testEnv('TEST_KEYCLOAK_URL')}/realms/${realm}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(fields),
    signal: AbortSignal.timeout(15_000),
  })
  if (!response.ok) throw new Error(`token endpoint: ${response.status} ${await response.text()}`)
  return (await response.json()) as TokenResponse
}

/**
 * A part of a password policy that makes hashes quick. With its default, Keycloak computes for 80 ms longer whenever a password is
 * set or checked.
 */
export const quickHashes = 'hashAlgorithm(pbkdf2-sha256) and hashIterations(1)'

let admin: { token: string; until: number } | undefined

/** Returns an access token of the Keycloak administrator (realm `master`). */
export const masterToken = async (): Promise<string> => {
  if (admin && admin.until > Date.now()) return admin.token
  const response = await requestToken('master', {
    grant_type: 'password',
    client_id: 'admin-cli',
    username: testEnv('TEST_KEYCLOAK_ADMIN_USER'),
    password: testEnv('TEST_KEYCLOAK_ADMIN_PASSWORD'),
  })
  admin = { token: response.access_token, until: Date.now() + (response.expires_in - 10) * 1000 }
  return admin.token
}

type NewRealmUser = { username: string; email?: string; password?: string; roles?: string[]; [field: string]: unknown }

/** Creates an Admin API client for one realm. `call` rejects on a status of 400 or above that is not in `allow`. */
export const realmAdmin = (realm: string = testRealm) => {
  const call = async <T>(
    method: string,
    path: string,
    body?: unknown,
    allow: number[] = [],
  ): Promise<{ status: number; body: T; location: string }> => {
    const response = await fetch(`${testEnv('TEST_KEYCLOAK_URL')}/admin/realms/${realm}${path}`, {
      method,
      headers: { authorization: `Bearer ${await masterToken()}`, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(15_000),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.status >= 400 && !allow.includes(response.status))
      throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return {
      status: response.status,
      body: (text === '' ? undefined : JSON.parse(text)) as T,
      location: response.headers.get('location') ?? '',
    }
  }
  const getRole = async (name: string) => (await call<{ id: string; name: string }>('GET', `/roles/${name}`)).body
  const setRoles = async (method: 'POST' | 'DELETE', userId: string, names: string[]) => {
    await call(method, `/users/${userId}/role-mappings/realm`, await Promise.all(names.map(getRole)))
  }
  return {
    call,
    grant: (userId: string, ...names: string[]) => setRoles('POST', userId, names),
    revoke: (userId: string, ...names: string[]) => setRoles('DELETE', userId, names),
    createUser: async ({ password, roles = [], ...user }: NewRealmUser): Promise<string> => {
      const credentials = password === undefined ? [] : [{ type: 'password', value: password, temporary: false }]
      const { location } = await call('POST', '/users', { enabled: true, emailVerified: true, credentials, ...user })
      const id = location.split('/').at(-1) ?? ''
      if (roles.length > 0) await setRoles('POST', id, roles)
      return id
    },
    updateUser: (id: string, change: Record<string, unknown>) => call('PUT', `/users/${id}`, change),
    deleteUser: (id: string) => call('DELETE', `/users/${id}`, undefined, [404]),
    findUser: async (username: string) =>
      (
        await call<{ id: string; enabled: boolean }[]>(
          'GET',
          `/users?exact=true&username=${encodeURIComponent(username)}`,
        )
      ).body[0],
    /** Creates an OAuth client with the password grant, unless it exists. Its tokens have no audience but this one. */
    ensureClient: async (
      clientId: string,
      { audience, attributes = {} }: { audience?: string; attributes?: Record<string, string> },
    ) => {
      const protocolMappers =
        audience === undefined
          ? []
          : [
              {
                name: 'audience',
                protocol: 'openid-connect',
                protocolMapper: 'oidc-audience-mapper',
                config: {
                  'included.custom.audience': audience,
                  'access.token.claim': 'true',
                  'id.token.claim': 'false',
                },
              },
            ]
      await call(
        'POST',
        '/clients',
        {
          clientId,
          publicClient: true,
          directAccessGrantsEnabled: true,
          // Without the realm's default scope with our audience.
          defaultClientScopes: ['acr', 'basic', 'email', 'profile', 'roles', 'web-origins'],
          optionalClientScopes: ['offline_access'],
          protocolMappers,
          attributes,
        },
        [409],
      )
    },
  }
}
