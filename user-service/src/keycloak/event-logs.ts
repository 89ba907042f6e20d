import type { AdminApi } from './admin-api.ts'
import {
  type AdminEntry,
  adminChange,
  type KeycloakChange,
  signUpType,
  type UserEntry,
  userChange,
} from './event-changes.ts'
import { toProblem } from './keycloak-error.ts'

/** Keycloak keeps two event logs: `admin` holds what administrators did, `user` what users did. */
export type LogName = 'admin' | 'user'

/** One event of a log. */
export type KeycloakEvent = {
  id: string
  logName: LogName
  /** Milliseconds since 1970, by Keycloak's clock. */
  at: number
  /** The Keycloak user who caused it. */
  actorId: string | undefined
  change: KeycloakChange
}

/** The types that are read from the user log. Each also has an `_ERROR` type for failures, which is not read. */
const userEventTypes = [
  'LOGIN',
  'LOGOUT',
  'REGISTER',
  'UPDATE_PROFILE',
  'UPDATE_EMAIL',
  'VERIFY_EMAIL',
  'UPDATE_CREDENTIAL',
  'REMOVE_CREDENTIAL',
  'DELETE_ACCOUNT',
  'IDENTITY_PROVIDER_FIRST_LOGIN',
  'FEDERATED_IDENTITY_LINK',
  'FEDERATED_IDENTITY_OVERRIDE_LINK',
  'REMOVE_FEDERATED_IDENTITY',
  'USER_DISABLED_BY_PERMANENT_LOCKOUT',
]

const weekMs = 7 * 86_400_000

const throwProblem = (error: unknown): never => {
  throw toProblem(error)
}

export type EventLogs = ReturnType<typeof createEventLogs>

/** Reads Keycloak's event logs. */
export const createEventLogs = (api: AdminApi) => ({
  /** Reads events since `from` (milliseconds since 1970, inclusive), oldest first: up to `max` of them, after skipping `first`. */
  read: async (logName: LogName, from: number, first: number, max: number): Promise<KeycloakEvent[]> => {
    // The REST API takes `direction` and a time in milliseconds, which the client's types lack: hence `as never`.
    const query = { realm: api.realm, dateFrom: String(from), direction: 'asc', first, max }
    if (logName === 'admin') {
      const entries = await api.call((client) => client.realms.findAdminEvents(query as never)).catch(throwProblem)
      return (entries as AdminEntry[]).map((entry) => ({
        id: entry.id,
        logName,
        at: entry.time,
        actorId: entry.authDetails?.userId,
        change: adminChange(entry),
      }))
    }
    const userQuery = { ...query, type: userEventTypes }
    const entries = await api.call((client) => client.realms.findEvents(userQuery as never)).catch(throwProblem)
    return (entries as UserEntry[]).map((entry) => ({
      id: entry.id,
      logName,
      at: entry.time,
      actorId: entry.userId,
      change: userChange(entry),
    }))
  },
  serviceAccountId: api.serviceAccountId,

  /** The ids of the users who signed up at Keycloak in the last week. Yields page by page. */
  signedUpUsers: async function* (): AsyncGenerator<string[]> {
    const size = 500
    const dateFrom = String(Date.now() - weekMs)
    for (let first = 0; ; first += size) {
      const query = { realm: api.realm, type: [signUpType], dateFrom, direction: 'asc', first, max: size }
      const entries = await api.call((client) => client.realms.findEvents(query as never)).catch(throwProblem)
      yield (entries as UserEntry[]).flatMap(({ userId }) => userId ?? [])
      if (entries.length < size) return
    }
  },

  /** The logs that are switched off in the realm. */
  disabledLogs: async (): Promise<LogName[]> => {
    const { eventsEnabled, adminEventsEnabled } = await api.call((client) =>
      client.realms.getConfigEvents({ realm: api.realm }),
    )
    return [...(adminEventsEnabled ? [] : ['admin' as const]), ...(eventsEnabled ? [] : ['user' as const])]
  },

  /** The ids of the members of a group and of its subgroups, which inherit its roles. Yields page by page. */
  groupMembers: (groupId: string) => readMembers(api, groupId, 0),
})

const maxGroupDepth = 10

async function* readMembers(api: AdminApi, groupId: string, depth: number): AsyncGenerator<string[]> {
  const size = 200
  const options = { catchNotFound: false }
  for (let first = 0; ; first += size) {
    const members = await api.call((client) =>
      client.groups.listMembers({ id: groupId, first, max: size, briefRepresentation: true }, options),
    )
    yield members.flatMap(({ id }) => (id === undefined ? [] : [id]))
    if (members.length < size) break
  }
  if (depth >= maxGroupDepth) return
  for (let first = 0; ; first += size) {
    const children = await api.call((client) =>
      client.groups.listSubGroups({ parentId: groupId, first, max: size, briefRepresentation: true }, options),
    )
    for (const { id } of children) if (id !== undefined) yield* readMembers(api, id, depth + 1)
    if (children.length < size) break
  }
}
