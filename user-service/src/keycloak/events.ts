import type { AdminApi } from './admin-api.ts'
import { problemOf } from './keycloak-fault.ts'

/** Keycloak keeps two journals: what administrators did, and what users did. */
export type Source = 'admin' | 'user'

/** What an entry of a journal means for us. */
export type Meaning =
  /** `lowers`: somebody may have lost access by it. */
  | { kind: 'user'; userId: string; lowers: boolean }
  | { kind: 'login'; userId: string; sessionId: string }
  | { kind: 'logout'; userId: string; sessionId: string }
  | { kind: 'session_removed'; sessionId: string }
  | { kind: 'everybody_signed_out'; notBefore: number }
  | { kind: 'group_roles'; groupId: string }
  | { kind: 'any_roles' }
  | { kind: 'other' }

/** One entry; `at` in milliseconds since 1970 by Keycloak's clock, `by` is who did it. */
export type KeycloakEvent = { id: string; source: Source; at: number; by: string | undefined; meaning: Meaning }

type AdminEntry = {
  id: string
  time: number
  operationType?: string
  resourceType?: string
  resourcePath?: string
  representation?: string
  error?: string
  authDetails?: { userId?: string }
}
type UserEntry = { id: string; time: number; type?: string; userId?: string; sessionId?: string; error?: string }

/** User events that change what we show, besides sign-ins and sign-outs. Failures are of no interest. */
const userEventTypes = [
  'LOGIN',
  'LOGOUT',
  'REGISTER',
  'UPDATE_PROFILE',
  'UPDATE_EMAIL',
  'VERIFY_EMAIL',
  'DELETE_ACCOUNT',
  'IDENTITY_PROVIDER_FIRST_LOGIN',
  'FEDERATED_IDENTITY_LINK',
  'USER_DISABLED_BY_PERMANENT_LOCKOUT',
]

const fieldOf = (representation: string | undefined, name: string): unknown => {
  try {
    return (JSON.parse(representation ?? '{}') as Record<string, unknown>)[name]
  } catch {
    return undefined
  }
}

type AdminChange = Omit<AdminEntry, 'id'>

/** The console sends the whole realm when it saves; only its not-before is looked at. */
const realmMeaning = ({ operationType, representation }: AdminChange): Meaning | undefined => {
  const notBefore = operationType === 'UPDATE' ? fieldOf(representation, 'notBefore') : undefined
  return typeof notBefore === 'number' && notBefore > 0 ? { kind: 'everybody_signed_out', notBefore } : undefined
}

/** A group that has moved inherits other roles; one that is gone no longer tells whom it concerned. */
const groupMeaning = ({ operationType, resourcePath = '', representation }: AdminChange): Meaning | undefined => {
  if (operationType === 'DELETE') return { kind: 'any_roles' }
  const [, id, part] = resourcePath.split('/')
  const isMove = operationType === 'UPDATE' && (part === 'children' || !id)
  if (!isMove) return undefined
  const groupId = fieldOf(representation, 'id')
  return typeof groupId === 'string' ? { kind: 'group_roles', groupId } : { kind: 'any_roles' }
}

const roleMeaning = ({ operationType }: AdminChange): Meaning | undefined =>
  operationType === 'DELETE' ? { kind: 'any_roles' } : undefined

const meaningOfType = new Map([
  ['REALM', realmMeaning],
  ['GROUP', groupMeaning],
  ['REALM_ROLE', roleMeaning],
])

const meaningOfPath = ({ operationType, resourcePath = '', time }: AdminChange): Meaning | undefined => {
  if (resourcePath === 'logout-all') return { kind: 'everybody_signed_out', notBefore: Math.floor(time / 1000) }
  const [first, id, part] = resourcePath.split('/')
  if (first === 'users' && id) return { kind: 'user', userId: id, lowers: operationType !== 'CREATE' }
  if (first === 'sessions' && id && operationType === 'DELETE') return { kind: 'session_removed', sessionId: id }
  if (first === 'groups' && id && part === 'role-mappings') return { kind: 'group_roles', groupId: id }
  return resourcePath.endsWith('/composites') ? { kind: 'any_roles' } : undefined
}

/** What an entry of the administrators' journal means; the paths are those that Keycloak 26 writes. */
const adminMeaning = (change: AdminChange): Meaning => {
  const { error, resourceType = '' } = change
  const meaning = error ? undefined : (meaningOfPath(change) ?? meaningOfType.get(resourceType)?.(change))
  return meaning ?? { kind: 'other' }
}

const userMeaning = ({ type, userId, sessionId = '', error }: Omit<UserEntry, 'id' | 'time'>): Meaning => {
  if (!userId || error) return { kind: 'other' }
  if (type === 'LOGIN') return { kind: 'login', userId, sessionId }
  if (type === 'LOGOUT') return { kind: 'logout', userId, sessionId }
  return { kind: 'user', userId, lowers: type === 'DELETE_ACCOUNT' }
}

const asProblem = (error: unknown): never => {
  throw problemOf(error)
}

export type Journals = ReturnType<typeof createJournals>

/** Reads Keycloak's journals, oldest first. */
export const createJournals = (api: AdminApi) => ({
  /** Entries since `from` (milliseconds, inclusive), `first` skipped. */
  read: async (source: Source, from: number, first: number, max: number): Promise<KeycloakEvent[]> => {
    // The REST API knows `direction` and milliseconds; the client's types do not.
    const query = { realm: api.realm, dateFrom: String(from), direction: 'asc', first, max }
    if (source === 'admin') {
      const entries = await api.call((client) => client.realms.findAdminEvents(query as never)).catch(asProblem)
      return (entries as AdminEntry[]).map((entry) => ({
        id: entry.id,
        source,
        at: entry.time,
        by: entry.authDetails?.userId,
        meaning: adminMeaning(entry),
      }))
    }
    const userQuery = { ...query, type: userEventTypes }
    const entries = await api.call((client) => client.realms.findEvents(userQuery as never)).catch(asProblem)
    return (entries as UserEntry[]).map((entry) => ({
      id: entry.id,
      source,
      at: entry.time,
      by: entry.userId,
      meaning: userMeaning(entry),
    }))
  },
  ownId: api.ownId,

  /** Which journals the realm does not keep. */
  missing: async (): Promise<Source[]> => {
    const { eventsEnabled, adminEventsEnabled } = await api.call((client) =>
      client.realms.getConfigEvents({ realm: api.realm }),
    )
    return [...(adminEventsEnabled ? [] : ['admin' as const]), ...(eventsEnabled ? [] : ['user' as const])]
  },

  /** Ids of the members of a group and of the groups below it, which inherit its roles; page by page. */
  members: (groupId: string) => membersOf(api, groupId, 0),
})

const deepest = 10

async function* membersOf(api: AdminApi, groupId: string, depth: number): AsyncGenerator<string[]> {
  const size = 200
  const here = { catchNotFound: false }
  for (let first = 0; ; first += size) {
    const members = await api.call((client) =>
      client.groups.listMembers({ id: groupId, first, max: size, briefRepresentation: true }, here),
    )
    yield members.flatMap(({ id }) => (id === undefined ? [] : [id]))
    if (members.length < size) break
  }
  if (depth >= deepest) return
  for (let first = 0; ; first += size) {
    const children = await api.call((client) =>
      client.groups.listSubGroups({ parentId: groupId, first, max: size, briefRepresentation: true }, here),
    )
    for (const { id } of children) if (id !== undefined) yield* membersOf(api, id, depth + 1)
    if (children.length < size) break
  }
}
