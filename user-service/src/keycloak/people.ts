import type UserRepresentation from '@keycloak/keycloak-admin-client/lib/defs/userRepresentation.js'
import type { AdminApi } from './admin-api.ts'
import { isUserMissing, problemOf } from './keycloak-fault.ts'
import { createRoleMappings } from './role-mappings.ts'

/** A user as Keycloak has it, without roles. */
export type Person = {
  id: string
  username: string
  email: string | null
  emailVerified: boolean
  name: string | null
  surname: string | null
  enabled: boolean
  createdAt: Date
  /** Tokens issued before it are void; seconds since 1970, 0 for never. */
  notBefore: number
}

/** What can be set; absent fields stay, null empties. */
export type PersonFields = {
  username?: string
  email?: string
  emailVerified?: boolean
  name?: string | null | undefined
  surname?: string | null | undefined
  enabled?: boolean
  password?: string | undefined
  requiredActions?: string[]
}

const textOrNull = (value: string | undefined): string | null => (value === undefined || value === '' ? null : value)

/**
 * A service account is a client, not a person. Keycloak tells it by the name only, which people may take at its own
 * registration; they have an address, a service account has none.
 */
const isServiceAccount = ({ username, email, serviceAccountClientId }: UserRepresentation): boolean =>
  serviceAccountClientId !== undefined || (!email && (username ?? '').startsWith('service-account-'))

const personOf = (user: UserRepresentation): Person => ({
  id: user.id ?? '',
  username: user.username ?? '',
  email: textOrNull(user.email),
  emailVerified: user.emailVerified ?? false,
  name: textOrNull(user.firstName),
  surname: textOrNull(user.lastName),
  enabled: user.enabled ?? false,
  createdAt: new Date(user.createdTimestamp ?? 0),
  notBefore: user.notBefore ?? 0,
})

const representationOf = ({ name, surname, password, ...fields }: PersonFields): UserRepresentation => ({
  ...fields,
  ...(name !== undefined && { firstName: name ?? '' }),
  ...(surname !== undefined && { lastName: surname ?? '' }),
  ...(password !== undefined && { credentials: [{ type: 'password', value: password, temporary: false }] }),
})

export type People = ReturnType<typeof createPeople>

/** Keycloak's users in our words. Every method rejects with a Problem that a caller may see. */
export const createPeople = (api: AdminApi) => {
  const mappings = createRoleMappings(api)
  const told = <T>(promise: Promise<T>): Promise<T> =>
    promise.catch((error: unknown) => {
      throw problemOf(error)
    })
  const orUndefined = <T>(promise: Promise<T>): Promise<T | undefined> =>
    promise.catch((error: unknown) => {
      if (isUserMissing(error)) return undefined
      throw problemOf(error)
    })

  const exactly = async (query: { email: string } | { username: string }): Promise<Person | undefined> => {
    const [user] = await told(api.call((client) => client.users.find({ ...query, exact: true, max: 2 })))
    return user && !isServiceAccount(user) ? personOf(user) : undefined
  }

  return {
    /** The user, or undefined when Keycloak has none (or only a service account) of that id. */
    person: async (id: string): Promise<Person | undefined> => {
      // The client's own findOne would also take "realm not found" for a missing user.
      const user = await orUndefined(api.call((client) => client.users.findOne({ id }, { catchNotFound: false })))
      return user && !isServiceAccount(user) ? personOf(user) : undefined
    },
    byEmail: (email: string) => exactly({ email }),
    byUsername: (username: string) => exactly({ username }),
    /** Without the not-before: reading whole representations costs Keycloak three times as much. */
    page: async (first: number, max: number): Promise<Omit<Person, 'notBefore'>[]> => {
      const users = await told(
        api.callPatiently((client) => client.users.find({ first, max, briefRepresentation: true })),
      )
      return users.filter((user) => !isServiceAccount(user)).map(personOf)
    },
    roles: mappings.of,
    setRoles: mappings.set,
    create: async (fields: PersonFields & { username: string; email: string }): Promise<string> => {
      const { id } = await told(
        api.call((client) => client.users.create({ enabled: true, emailVerified: false, ...representationOf(fields) })),
      )
      return id
    },
    update: (id: string, fields: PersonFields) =>
      told(api.call((client) => client.users.update({ id }, representationOf(fields)))),
    remove: (id: string) => told(api.call((client) => client.users.del({ id }))),
    /** Ends all sessions and voids the tokens issued so far. */
    signOut: (id: string) => told(api.call((client) => client.users.logout({ id }))),

    /** Keycloak mails a link to carry out `actions`. @throws Problem 503 when it could not be sent */
    mailActions: async (
      id: string,
      actions: string[],
      link: { clientId: string; redirectUri: string; lifespan: number },
    ): Promise<void> => {
      await told(api.callPatiently((client) => client.users.executeActionsEmail({ id, actions, ...link })))
    },
    mailVerification: async (id: string, link: { clientId: string; redirectUri: string }): Promise<void> => {
      await told(api.callPatiently((client) => client.users.sendVerifyEmail({ id, ...link })))
    },
  }
}
