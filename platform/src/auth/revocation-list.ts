import type { Revocation } from '@clientele/contracts/revocation'
import { Problem } from '../runtime/problem.ts'
import { gauge } from '../runtime/telemetry.ts'

/** What a check needs of a verified token. `issuedAt` is in seconds since 1970. */
type Token = { actor: { id: string; roles: readonly string[]; sessionId?: string }; issuedAt: number }

/** The tokens of a user that are refused. Times are milliseconds since 1970. */
type UserEntry = { notBefore: number; keptSessions: ReadonlySet<string>; roles: ReadonlyMap<string, number> }

export type RevocationList = ReturnType<typeof createRevocationList>

const retentionMs = 86_400_000
const defaultMaxEntries = 100_000
/** A time further in the future counts as this much after now. The token verifier allows clocks to differ by as much. */
const clockSkewMs = 5_000
const nobody: UserEntry = { notBefore: Number.NEGATIVE_INFINITY, keptSessions: new Set(), roles: new Map() }

const secondOf = (ms: number): number => Math.floor(ms / 1_000)

const newestOf = ({ notBefore, roles }: UserEntry): number => Math.max(notBefore, ...roles.values())

/** Returns what a revocation makes of a user's entry. */
const apply = (entry: UserEntry, { role, keptSessions = [] }: Revocation, at: number): UserEntry => {
  if (role !== undefined)
    return { ...entry, roles: new Map(entry.roles).set(role, Math.max(at, entry.roles.get(role) ?? at)) }
  if (at < entry.notBefore) return entry
  const kept = at === entry.notBefore ? [...entry.keptSessions, ...keptSessions] : keptSessions
  return { ...entry, notBefore: at, keptSessions: new Set(kept) }
}

const revokedProblem = (): Problem =>
  new Problem('invalid_token', {
    detail: 'the token was revoked; sign in again',
    headers: { 'WWW-Authenticate': 'Bearer error="invalid_token", error_description="the token was revoked"' },
  })

/**
 * The revoked tokens, in memory: for a day, and for at most 100,000 users and as many sessions. If there are more, the oldest go,
 * and all tokens that are as old as what went are refused, so that nobody stays in; their clients refresh them. A check is a map
 * lookup or two.
 */
export const createRevocationList = ({ maxEntries = defaultMaxEntries }: { maxEntries?: number } = {}) => {
  const users = new Map<string, UserEntry>()
  /** When each session was revoked. */
  const sessions = new Map<string, number>()
  const watchers = new Map<string, Set<{ token: Token; onRevoked: () => void }>>()
  let loaded = false
  /** All tokens that were issued in this second or earlier are refused. */
  let floor = Number.NEGATIVE_INFINITY
  gauge('revocations', 'Users and sessions whose tokens are rejected', [], function () {
    this.set(users.size + sessions.size)
  })

  const hasLostRole = ({ roles }: UserEntry, { actor, issuedAt }: Token): boolean =>
    roles.size > 0 && actor.roles.some((role) => issuedAt <= secondOf(roles.get(role) ?? Number.NEGATIVE_INFINITY))

  const isRevoked = (token: Token): boolean => {
    const { actor, issuedAt } = token
    if (issuedAt <= floor) return true
    if (actor.sessionId !== undefined && sessions.has(actor.sessionId)) return true
    const entry = users.get(actor.id)
    if (entry === undefined) return false
    const isOlder = issuedAt <= secondOf(entry.notBefore)
    if (isOlder && !(actor.sessionId !== undefined && entry.keptSessions.has(actor.sessionId))) return true
    return hasLostRole(entry, token)
  }

  const put = <E>(entries: Map<string, E>, key: string, entry: E, timeOf: (entry: E) => number): void => {
    entries.delete(key)
    const oldest = entries.size >= maxEntries ? entries.entries().next().value : undefined
    if (oldest) {
      entries.delete(oldest[0])
      floor = Math.max(floor, secondOf(timeOf(oldest[1])))
    }
    entries.set(key, entry)
  }

  const notifyWatchers = (userId: string): void => {
    for (const { token, onRevoked } of watchers.get(userId) ?? []) if (isRevoked(token)) onRevoked()
  }

  const addOne = (revocation: Revocation, latest: number): void => {
    const { userId, sessionId } = revocation
    const at = Math.min(Date.parse(revocation.notBefore), latest)
    if (sessionId !== undefined) put(sessions, sessionId, at, (time) => time)
    else if (userId !== undefined) put(users, userId, apply(users.get(userId) ?? nobody, revocation, at), newestOf)
    if (userId !== undefined) notifyWatchers(userId)
  }

  return {
    isRevoked,
    isLoaded: () => loaded,
    /** To be called after all revocations of user-service have been added. Until then `check` lets no token pass. */
    markLoaded: (): void => {
      loaded = true
    },
    /** Adds revocations. Adding one twice changes nothing. */
    add: (revocations: readonly Revocation[]): void => {
      const latest = Date.now() + clockSkewMs
      for (const revocation of revocations) addOne(revocation, latest)
    },
    /** Removes revocations that are older than any valid token. */
    removeExpired: (): void => {
      const oldestToKeep = Date.now() - retentionMs
      for (const [id, at] of sessions) if (at < oldestToKeep) sessions.delete(id)
      for (const [id, entry] of users) if (newestOf(entry) < oldestToKeep) users.delete(id)
    },
    /** Calls `onRevoked` when the token is revoked. @returns a function that stops watching */
    watch: (token: Token, onRevoked: () => void): (() => void) => {
      const watcher = { token, onRevoked }
      const set = watchers.get(token.actor.id) ?? new Set()
      watchers.set(token.actor.id, set.add(watcher))
      return () => {
        set.delete(watcher)
        if (set.size === 0 && watchers.get(token.actor.id) === set) watchers.delete(token.actor.id)
      }
    },
    /** @throws Problem 401 for a revoked token, 503 before the revocations are loaded */
    check: (token: Token): void => {
      if (!loaded)
        throw new Problem('unavailable', {
          detail: 'the revoked tokens are not known yet',
          headers: { 'Retry-After': '1' },
        })
      if (isRevoked(token)) throw revokedProblem()
    },
  }
}
