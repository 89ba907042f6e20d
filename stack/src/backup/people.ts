import type pg from 'pg'
import { realmName } from '../profile/services.ts'

/** What Clientele keeps of a user of Keycloak's. */
export type Person = { id: string; username: string; email: string | null; enabled: boolean }

const timeoutMs = 20_000
const pageSize = 500

const fromDatabase = `select u.id, u.username, u.email, u.enabled from user_entity u join realm r on r.id = u.realm_id
where r.name = $1 and u.service_account_client_link is null`

/** The people in Keycloak's own database, for when it is stopped. */
export const peopleInDatabase = async (keycloak: pg.Client): Promise<Person[]> =>
  (await keycloak.query<Person>(fromDatabase, [realmName])).rows

type Representation = { id: string; username: string; email?: string; enabled?: boolean }
const isServiceAccount = ({ username, email }: Representation): boolean =>
  !email && username.startsWith('service-account-')

/** The people as Keycloak answers, read with the service account of user-service. */
export const peopleByApi = async (url: string, client: { id: string; secret: string }): Promise<Person[]> => {
  const signal = () => AbortSignal.timeout(timeoutMs)
  const fields = { grant_type: 'client_credentials', client_id: client.id, client_secret: client.secret }
  const token = `${url}/realms/${realmName}/protocol/openid-connect/token`
  const answer = await fetch(token, { method: 'POST', body: new URLSearchParams(fields), signal: signal() })
  if (!answer.ok) throw new Error(`Keycloak refuses the account ${client.id} (${answer.status})`)
  const { access_token } = (await answer.json()) as { access_token: string }
  const people: Person[] = []
  for (let first = 0; ; first += pageSize) {
    const page = `${url}/admin/realms/${realmName}/users?first=${first}&max=${pageSize}&briefRepresentation=true`
    const response = await fetch(page, { headers: { authorization: `Bearer ${access_token}` }, signal: signal() })
    if (!response.ok) throw new Error(`Keycloak answers ${response.status} to ${client.id}, which asks for the people`)
    const users = (await response.json()) as Representation[]
    for (const user of users)
      if (!isServiceAccount(user))
        people.push({
          id: user.id,
          username: user.username,
          email: user.email ?? null,
          enabled: user.enabled ?? false,
        })
    if (users.length < pageSize) return people
  }
}

const projected = 'select id, username, email, enabled from users where deleted_at is null'

/** How a fault ends that tells of somebody whom Keycloak has lost. */
export const notInKeycloak = 'is not in Keycloak'

/** Where the projection of user-service and Keycloak differ. */
export const peopleFaults = async (users: pg.Client, people: Person[]): Promise<string[]> => {
  const rows = new Map((await users.query<Person>(projected)).rows.map((row) => [row.id, row]))
  const faults: string[] = []
  for (const person of people) {
    const row = rows.get(person.id)
    rows.delete(person.id)
    if (!row) faults.push(`user ${person.id} is in Keycloak only`)
    else if (row.username !== person.username || row.email !== person.email || row.enabled !== person.enabled)
      faults.push(`user ${person.id} differs`)
  }
  for (const id of rows.keys()) faults.push(`user ${id} ${notInKeycloak}`)
  return faults
}
