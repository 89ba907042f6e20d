import type UserRepresentation from '@keycloak/keycloak-admin-client/lib/defs/userRepresentation.js'
import type { AdminApi } from './admin-api.ts'
import { isUserMissing, toProblem } from './keycloak-error.ts'
import { createRoleMappings } from './role-mappings.ts'
import { createUserSessions } from './user-sessions.ts'
import { createWithheldAccess } from './withheld-access.ts'

/** A user as Keycloak stores it, without roles. */
export type KeycloakUser = {
  id: string
  username: string
  email: string | null
  emailVerified: boolean
  name: string | null
  surname: string | null
  enabled: boolean
  createdAt: Date
  /** Tokens issued before this time are refused. Seconds since 1970; 0 if none are. */
  notBefore: number
  /** Whether the account comes from a directory such as LDAP. */
  isFederated: boolean
}

/** Fields to set. Absent ones stay as they are; null removes a name. */
export type KeycloakUserFields = {
  username?: string
  email?: string
  emailVerified?: boolean
  name?: string | null | undefined
  surname?: string | null | undefined
  enabled?: boolean
  password?: string | undefined
  requiredActions?: string[]
}

/** The user of a client. */
export type ServiceAccount = { userId: string; username: string }

const serviceAccountsPage = 200
const serviceAccountPrefix = 'service-account-'
/** The username that Keycloak gives to the service account of a client. */
export const serviceAccountName = (clientId: string): string => `${serviceAccountPrefix}${clientId}`.toLowerCase()

const textOrNull = (value: string | undefined): string | null => (value === undefined || value === '' ? null : value)

/**
 * A service account belongs to a client, not to a user. The brief representation shows it only by its username, which users
 * could take at Keycloak's own registration page too. But users have an e-mail address, and service accounts have none.
 */
const isServiceAccount = ({ username, email, serviceAccountClientId }: UserRepresentation): boolean =>
  serviceAccountClientId !== undefined || (!email && (username ?? '').startsWith(serviceAccountPrefix))

const toKeycloakUser = (user: UserRepresentation): KeycloakUser => ({
  id: user.id ?? '',
  username: user.username ?? '',
  email: textOrNull(user.email),
  emailVerified: user.emailVerified ?? false,
  name: textOrNull(user.firstName),
  surname: textOrNull(user.lastName),
  enabled: user.enabled ?? false,
  createdAt: new Date(user.createdTimestamp ?? 0),
  notBefore: user.notBefore ?? 0,
  isFederated: user.federationLink !== undefined,
})

const toRepresentation = ({ name, surname, password, ...fields }: KeycloakUserFields): UserRepresentation => ({
  ...fields,
  ...(name !== undefined && { firstName: name ?? '' }),
  ...(surname !== undefined && { lastName: surname ?? '' }),
  ...(password !== undefined && { credentials: [{ type: 'password', value: password, temporary: false }] }),
})

export type KeycloakUsers = ReturnType<typeof createKeycloakUsers>

/** Reads and changes users in Keycloak. Every method rejects with a Problem that clients may see. */
export const createKeycloakUsers = (api: AdminApi) => {
  const roleMappings = createRoleMappings(api)
  const withProblem = <T>(promise: Promise<T>): Promise<T> =>
    promise.catch((error: unknown) => {
      throw toProblem(error)
    })
  const undefinedIfMissing = <T>(promise: Promise<T>): Promise<T | undefined> =>
    promise.catch((error: unknown) => {
      if (isUserMissing(error)) return undefined
      throw toProblem(error)
    })

  const findExact = async (query: { email: string } | { username: string }): Promise<KeycloakUser | undefined> => {
    const [user] = await withProblem(api.call((client) => client.users.find({ ...query, exact: true, max: 2 })))
    return user && !isServiceAccount(user) ? toKeycloakUser(user) : undefined
  }

  const sessions = createUserSessions(api)
  const withheldAccess = createWithheldAccess(api)

  return {
    /** Undefined if Keycloak has no user with that id, or if it is a service account. */
    byId: async (id: string): Promise<KeycloakUser | undefined> => {
      // By default findOne returns null for any 404, for example "realm not found".
      const user = await undefinedIfMissing(
        api.call((client) => client.users.findOne({ id }, { catchNotFound: false })),
      )
      return user && !isServiceAccount(user) ? toKeycloakUser(user) : undefined
    },
    byEmail: (email: string) => findExact({ email }),
    byUsername: (username: string) => findExact({ username }),
    /** Up to `max` users, after skipping `first`. Without `notBefore`, which would cost Keycloak three times as much. */
    page: async (first: number, max: number): Promise<Omit<KeycloakUser, 'notBefore'>[]> => {
      const users = await withProblem(
        api.callSlow((client) => client.users.find({ first, max, briefRepresentation: true })),
      )
      return users.filter((user) => !isServiceAccount(user)).map(toKeycloakUser)
    },
    /** All service accounts: one for each client that may get tokens for itself. */
    serviceAccounts: async (): Promise<ServiceAccount[]> => {
      const found: ServiceAccount[] = []
      for (let first = 0; ; first += serviceAccountsPage) {
        const query = { username: serviceAccountPrefix, first, max: serviceAccountsPage, briefRepresentation: true }
        const users = await withProblem(api.call((client) => client.users.find(query)))
        for (const { id = '', username = '', ...user } of users)
          if (username.startsWith(serviceAccountPrefix) && isServiceAccount({ ...user, username }))
            found.push({ userId: id, username })
        if (users.length < serviceAccountsPage) return found
      }
    },
    roles: roleMappings.get,
    setRoles: roleMappings.set,
    create: async (fields: KeycloakUserFields & { username: string; email: string }): Promise<string> => {
      const { id } = await withProblem(
        api.call((client) => client.users.create({ enabled: true, emailVerified: false, ...toRepresentation(fields) })),
      )
      return id
    },
    update: (id: string, fields: KeycloakUserFields) =>
      withProblem(api.call((client) => client.users.update({ id }, toRepresentation(fields)))),
    delete: (id: string) => withProblem(api.call((client) => client.users.del({ id }))),
    /** Ends all sessions. Keycloak refuses tokens that were issued so far. @returns the ids of the ended sessions */
    signOut: async (id: string): Promise<string[]> => {
      const before = await sessions.list(id)
      await withProblem(api.call((client) => client.users.logout({ id })))
      // Keycloak leaves the offline sessions, and would still refresh a token that was issued in this very second.
      const offline = await sessions.listOffline(id)
      for (const session of offline) await sessions.end(session)
      return [...new Set([...before, ...offline].map((session) => session.id))]
    },
    sessions,
    withheldAccess,
    /** Removes credentials that were set at `since` or later, a new password too. @returns whether there were any */
    removeCredentialsSince: async (id: string, since: Date): Promise<boolean> => {
      const credentials = await withProblem(api.call((client) => client.users.getCredentials({ id })))
      const recent = credentials.filter(({ createdDate = 0 }) => createdDate >= since.getTime())
      for (const { id: credentialId = '' } of recent)
        await withProblem(api.call((client) => client.users.deleteCredential({ id, credentialId })))
      return recent.length > 0
    },

    /** Makes Keycloak mail a link to `actions`, for example `UPDATE_PASSWORD`. @throws Problem 503 when it cannot be sent */
    sendActionsEmail: async (
      id: string,
      actions: string[],
      link: { clientId: string; redirectUri: string; lifespan: number },
    ): Promise<void> => {
      await withProblem(api.callSlow((client) => client.users.executeActionsEmail({ id, actions, ...link })))
    },
    sendVerificationEmail: async (id: string, link: { clientId: string; redirectUri: string }): Promise<void> => {
      await withProblem(api.callSlow((client) => client.users.sendVerifyEmail({ id, ...link })))
    },
  }
}
