import type { FindSignIn } from '@clientele/platform/http/recent-sign-in'
import type { AdminApi } from './admin-api.ts'
import { KeycloakError, toProblem } from './keycloak-error.ts'

/** A session of a user. Times are in milliseconds since 1970, in whole seconds. `usedAt` is its last sign-in or refresh. */
export type KeycloakSession = {
  id: string
  startedAt: number
  usedAt: number
  isOffline: boolean
  clients: string[]
  ipAddress: string | null
}

type Listed =
  | { id?: string; start?: number; lastAccess?: number; ipAddress?: string; clients?: Record<string, string> }[]
  | null

const toSessions = (listed: Listed, isOffline: boolean): KeycloakSession[] =>
  (listed ?? []).map(({ id = '', start = 0, lastAccess = 0, ipAddress, clients = {} }) => ({
    id,
    startedAt: start,
    usedAt: lastAccess,
    isOffline,
    clients: Object.values(clients),
    ipAddress: ipAddress ?? null,
  }))

/** Ignores 404: the user or the session does not exist any more. */
const ignoreMissing = (error: unknown): null => {
  if (error instanceof KeycloakError && error.status === 404) return null
  throw toProblem(error)
}

export type UserSessions = ReturnType<typeof createUserSessions>

/** Lists and ends sessions of users. */
export const createUserSessions = (api: AdminApi) => {
  const options = { catchNotFound: false }

  const listOffline = async (id: string): Promise<KeycloakSession[]> => {
    // Keycloak lists offline sessions by client only. The consents name the clients that have some.
    const consents = await api.call((client) => client.users.listConsents({ id }, options)).catch(ignoreMissing)
    const grants = ((consents ?? []) as { additionalGrants?: { client?: string }[] }[]).flatMap(
      ({ additionalGrants = [] }) => additionalGrants,
    )
    const clientIds = [...new Set(grants.flatMap(({ client }) => client ?? []))]
    const listed = await Promise.all(
      clientIds.map((clientId) =>
        api.call((client) => client.users.listOfflineSessions({ id, clientId }, options)).catch(ignoreMissing),
      ),
    )
    return listed.flatMap((sessions) => toSessions(sessions, true))
  }

  return {
    listOffline,
    /** All sessions of a user, offline ones too. Empty if there is no such user. */
    list: async (id: string): Promise<KeycloakSession[]> => {
      const [online, offline] = await Promise.all([
        api.call((client) => client.users.listSessions({ id }, options)).catch(ignoreMissing),
        listOffline(id),
      ])
      return [...toSessions(online, false), ...offline]
    },
    /** Ends a session, unless it has ended already. */
    end: async ({ id, isOffline }: Pick<KeycloakSession, 'id' | 'isOffline'>): Promise<void> => {
      await api
        .call((client) => client.realms.deleteSession({ realm: api.realm, session: id, isOffline }))
        .catch(ignoreMissing)
    },
  }
}

/**
 * Finds the sign-in of a token without `auth_time`: Keycloak does not write it after a password sign-in through the API. Each
 * such sign-in begins a session, so the session's start is that time.
 */
export const findSignIn =
  ({ list }: Pick<ReturnType<typeof createUserSessions>, 'list'>): FindSignIn =>
  async ({ id, sessionId }) => {
    if (sessionId === undefined) return undefined
    const session = (await list(id)).find((each) => each.id === sessionId)
    return session && session.startedAt / 1000
  }
