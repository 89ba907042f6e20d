/** A client of Keycloak's Admin API. */
export type KeycloakAdmin = {
  /**
   * Sends a request to `/admin/realms<path>`. @returns the parsed body, or undefined for 404 and for an empty body
   * @throws Error for any other status that is not 2xx
   */
  call: (method: string, path: string, body?: unknown) => Promise<unknown>
}

const timeoutMs = 60_000

/** The administrator of a Keycloak that `npm start` creates. */
export const keycloakAdminUser = 'admin'

/** The administrator that commands sign in as. */
export const adminUserFrom = ({ CLIENTELE_KEYCLOAK_ADMIN_USER: user }: NodeJS.ProcessEnv): string =>
  user || keycloakAdminUser

const requestToken = async (url: string, user: string, password: string): Promise<string> => {
  const response = await fetch(`${url}/realms/master/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username: user, password }),
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (!response.ok) throw new Error(`Keycloak refused the administrator "${user}" (${response.status})`)
  return ((await response.json()) as { access_token: string }).access_token
}

/** Signs in as an administrator of the realm `master`, and again when the token has expired: it is good for a minute. */
export const signInAsKeycloakAdmin = async (url: string, user: string, password: string): Promise<KeycloakAdmin> => {
  let token = await requestToken(url, user, password)
  const send = (method: string, path: string, body: unknown): Promise<Response> =>
    fetch(`${url}/admin/realms${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    let response = await send(method, path, body)
    if (response.status === 401) {
      token = await requestToken(url, user, password)
      response = await send(method, path, body)
    }
    const text = await response.text()
    if (response.status === 404) return undefined
    if (!response.ok)
      throw new Error(`Keycloak returned ${response.status} to ${method} ${path}: ${text.slice(0, 300)}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  return { call }
}

export type RealmUser = { id: string; username: string; email?: string }

export const findUser = async (
  { call }: KeycloakAdmin,
  realm: string,
  username: string,
): Promise<RealmUser | undefined> =>
  (
    (await call('GET', `/${realm}/users?exact=true&username=${encodeURIComponent(username)}`)) as
      | RealmUser[]
      | undefined
  )?.[0]

/** Grants the user a realm role. Does nothing if the user has it. */
export const grantRole = async (
  { call }: KeycloakAdmin,
  realm: string,
  userId: string,
  role: string,
): Promise<void> => {
  const found = await call('GET', `/${realm}/roles/${encodeURIComponent(role)}`)
  if (!found) throw new Error(`the realm ${realm} has no role "${role}"`)
  await call('POST', `/${realm}/users/${userId}/role-mappings/realm`, [found])
}

/** Actions that no longer matter when an operator vouches for the account. Second factors stay required. */
const waivedActions = ['VERIFY_EMAIL', 'UPDATE_PASSWORD', 'UPDATE_PROFILE', 'VERIFY_PROFILE']

/** Enables an account, and removes what keeps the user from signing in. @returns the required actions that stay */
export const letSignIn = async ({ call }: KeycloakAdmin, realm: string, userId: string): Promise<string[]> => {
  const path = `/${realm}/users/${userId}`
  const user = (await call('GET', path)) as { enabled: boolean; emailVerified: boolean; requiredActions?: string[] }
  const before = user.requiredActions ?? []
  const requiredActions = before.filter((action) => !waivedActions.includes(action))
  if (!user.enabled || !user.emailVerified || requiredActions.length < before.length)
    await call('PUT', path, { enabled: true, emailVerified: true, requiredActions })
  return requiredActions
}
