/** Keycloak's Admin API as the stack uses it: to make and adjust the local realm. */
export type KeycloakAdmin = {
  /** The parsed answer; undefined for 404 and for empty answers. Other statuses of 400 and above throw. */
  call: (method: string, path: string, body?: unknown) => Promise<unknown>
}

const timeoutMs = 20_000

/** Signs in as an administrator of the master realm. */
export const keycloakAdmin = async (url: string, user: string, password: string): Promise<KeycloakAdmin> => {
  const signIn = await fetch(`${url}/realms/master/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', username: user, password }),
    signal: AbortSignal.timeout(timeoutMs),
  })
  if (!signIn.ok) throw new Error(`Keycloak does not take the administrator "${user}" (${signIn.status})`)
  const { access_token: token } = (await signIn.json()) as { access_token: string }
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${url}/admin/realms${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`Keycloak answers ${response.status} to ${method} ${path}: ${text.slice(0, 300)}`)
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

/** Gives the user a realm role; having it already is fine. */
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
