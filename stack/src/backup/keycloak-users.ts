import type pg from 'pg'
import { realmName } from '../profile/services.ts'

/** The fields of a Keycloak user that user-service stores as well. */
export type KeycloakUser = { id: string; username: string; email: string | null; enabled: boolean }

const timeoutMs = 20_000
const pageSize = 500

const selectUsers = `select u.id, u.username, u.email, u.enabled from user_entity u join realm r on r.id = u.realm_id
where r.name = $1 and u.service_account_client_link is null`

/** Reads the users from Keycloak's database. Keycloak may be stopped. */
export const usersInDatabase = async (keycloak: pg.Client): Promise<KeycloakUser[]> =>
  (await keycloak.query<KeycloakUser>(selectUsers, [realmName])).rows

type Representation = { id: string; username: string; email?: string; enabled?: boolean }
const isServiceAccount = ({ username, email }: Representation): boolean =>
  !email && username.startsWith('service-account-')

/** Reads the users from Keycloak's Admin API with the service account of user-service. */
export const usersByApi = async (url: string, client: { id: string; secret: string }): Promise<KeycloakUser[]> => {
  const signal = () => AbortSignal.timeout(timeoutMs)
  const fields = { grant_type: 'client_credentials', client_id: client.id, client_secret: client.secret }
  const token = `${url}/realms/${realmName}/protocol/openid-connect/token`
  const signIn = await fetch(token, { method: 'POST', body: new URLSearchParams(fields), signal: signal() })
  if (!signIn.ok) throw new Error(`Keycloak refused the client ${client.id} (${signIn.status})`)
  const { access_token } = (await signIn.json()) as { access_token: string }
  const keycloakUsers: KeycloakUser[] = []
  for (let first = 0; ; first += pageSize) {
    const page = `${url}/admin/realms/${realmName}/users?first=${first}&max=${pageSize}&briefRepresentation=true`
    const response = await fetch(page, { headers: { authorization: `Bearer ${access_token}` }, signal: signal() })
    if (!response.ok)
      throw new Error(`Keycloak returned ${response.status} when the client ${client.id} listed the users`)
    const users = (await response.json()) as Representation[]
    for (const user of users)
      if (!isServiceAccount(user))
        keycloakUsers.push({
          id: user.id,
          username: user.username,
          email: user.email ?? null,
          enabled: user.enabled ?? false,
        })
    if (users.length < pageSize) return keycloakUsers
  }
}

const selectProjectedUsers = 'select id, username, email, enabled from users where deleted_at is null'

/** The end of the message about a user who is in user-service only. */
export const notInKeycloak = 'is not in Keycloak'

/** Compares the users in user-service with those in Keycloak. @returns a message for each difference */
export const userDifferences = async (users: pg.Client, keycloakUsers: KeycloakUser[]): Promise<string[]> => {
  const rows = new Map((await users.query<KeycloakUser>(selectProjectedUsers)).rows.map((row) => [row.id, row]))
  const differences: string[] = []
  for (const user of keycloakUsers) {
    const row = rows.get(user.id)
    rows.delete(user.id)
    if (!row) differences.push(`user ${user.id} is only in Keycloak`)
    else if (row.username !== user.username || row.email !== user.email || row.enabled !== user.enabled)
      differences.push(`user ${user.id} differs`)
  }
  for (const id of rows.keys()) differences.push(`user ${id} ${notInKeycloak}`)
  return differences
}
