import type { ActorRef } from '@clientele/contracts/fields'
import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { Op } from 'sequelize'
import type { AccountLocks } from '../accounts/account-locks.ts'
import type { EmailLinks } from '../email/email-links.ts'
import type { EventLogs, KeycloakEvent } from '../keycloak/event-logs.ts'
import type { KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { KeycloakSession } from '../keycloak/user-sessions.ts'
import type { Models } from '../models.ts'
import { ofSessions, ofUser } from '../revocations/lost-access.ts'
import { revokeTokens, revokeUnknownSession } from '../revocations/revocations.ts'
import { deleteSignIn } from '../sessions/sign-ins.ts'
import type { UserSync } from '../users/user-sync.ts'
import type { RealmSignOut } from './realm-sign-out.ts'
import type { RoleCheck } from './role-check.ts'
import type { ServiceAccounts } from './service-accounts.ts'
import type { SignUpRole } from './sign-up-role.ts'

type Deps = {
  db: Db
  models: Models
  keycloakUsers: KeycloakUsers
  eventLogs: EventLogs
  sync: UserSync
  locks: AccountLocks
  emailLinks: EmailLinks
  roleCheck: RoleCheck
  signUpRole: SignUpRole
  realmSignOut: RealmSignOut
  serviceAccounts: ServiceAccounts
}

/** Events that are handled together, oldest first: all events of one user, or a single event without a user. */
export type EventGroup = KeycloakEvent[]

/** The session that an event names is not known. Its sign-in may still be unread, because it is in the other log. */
export class NotYetKnown extends Error {
  override name = 'NotYetKnown'
}

/**
 * A token's `iat` has whole seconds, so a token of the event's own second may be newer than the event. Those tokens are not
 * revoked but expire.
 */
const secondBefore = ({ at }: KeycloakEvent): Date => new Date(at - 1_000)

/** How long after the end of all sessions of a user a sign-in may have preceded it, by clocks that differ a little. */
const signOutWindowMs = 5_000

const systemRef = actorRef(systemActor('user-service'))

const secondOf = (ms: number): number => Math.floor(ms / 1_000)

const userIdOf = ({ change }: KeycloakEvent): string | undefined => ('userId' in change ? change.userId : undefined)

const isSignUp = ({ change }: KeycloakEvent): boolean => change.kind === 'user' && change.signedUp === true

/** Groups events, so that a user who was changed ten times is read from Keycloak once. */
export const groupByUser = (events: KeycloakEvent[]): EventGroup[] => {
  const byUser = Map.groupBy(events, (event) => userIdOf(event) ?? event.id)
  return [...byUser.values()]
}

/** Handles each event once: the event's id is stored in the transaction that stores its effects. */
export const createEventHandler = ({
  db,
  models,
  keycloakUsers,
  eventLogs,
  sync,
  locks,
  emailLinks,
  roleCheck,
  signUpRole,
  realmSignOut,
  serviceAccounts,
}: Deps) => {
  const { users, signIns, revocations } = models

  /** Stores the events' ids and returns those that were new. In SQL, because `bulkCreate` does not return which rows were new. */
  const claimNew = async (tx: Tx, events: EventGroup): Promise<EventGroup> => {
    const rows = await db.query<{ id: string }>(
      `insert into keycloak_events (id, source, occurred_at) select * from unnest($1::text[], $2::text[], $3::bigint[]) on conflict do nothing returning id`,
      [events.map(({ id }) => id), events.map(({ logName }) => logName), events.map(({ at }) => at)],
      { tx },
    )
    const ids = new Set(rows.map(({ id }) => id))
    return events.filter(({ id }) => ids.has(id))
  }

  const actorOf = async ({ actorId }: KeycloakEvent, tx: Tx): Promise<ActorRef> => {
    if (actorId === undefined || actorId === (await eventLogs.serviceAccountId())) return systemRef
    const known = await users.findByPk(actorId, { attributes: ['displayName'], transaction: tx })
    return { id: actorId, displayName: known?.displayName ?? 'Keycloak administrator' }
  }

  /**
   * Decides about the session of a sign-in that came within seconds of the end of all the user's sessions, whose tokens may be
   * of the same second: one that Keycloak still has is new, another one ended with the rest.
   */
  const settleSignIn = async (tx: Tx, userId: string, sessionId: string, at: number): Promise<void> => {
    const since = new Date(at - signOutWindowMs)
    const revocation = await revocations.findOne({ where: { userId, notBefore: { [Op.gte]: since } }, transaction: tx })
    if (!revocation) return
    const notBefore = revocation.notBefore.getTime()
    const session = (await keycloakUsers.sessions.list(userId)).find(({ id }) => id === sessionId)
    if (!session) await sync.recordSignOut(tx, userId, ofSessions(userId, [sessionId], at), systemRef)
    else if (at > notBefore && secondOf(at) === secondOf(notBefore))
      await revokeTokens(db, tx, [userId], revocation.notBefore, [sessionId])
  }

  const recordSignIn = async (tx: Tx, userId: string, sessionId: string, at: Date): Promise<void> => {
    await db.query('update users set last_login_at = greatest(last_login_at, $2) where id = $1', [userId, at], { tx })
    await signIns.bulkCreate([{ sessionId, userId, at }], { ignoreDuplicates: true, transaction: tx })
    await settleSignIn(tx, userId, sessionId, at.getTime())
  }

  const recordSession = async (tx: Tx, userId: string, { change, at }: KeycloakEvent): Promise<void> => {
    if (change.kind === 'login') await recordSignIn(tx, userId, change.sessionId, new Date(at))
    if (change.kind !== 'logout') return
    await sync.recordSignOut(tx, userId, ofSessions(userId, [change.sessionId], at))
    await signIns.destroy({ where: { sessionId: change.sessionId }, transaction: tx })
  }

  /**
   * Ends the sessions of a user whose password is new, or who lost a credential: all that began before the event, except
   * the one in which the user made the change. A session's start has whole seconds, so within the event's second the sign-in decides; a
   * session without a known sign-in ends. The tokens of ended sessions are revoked, and all that are older than the event but
   * those of the sessions that stay.
   */
  const endFormerSessions = async (tx: Tx, userId: string, event: KeycloakEvent, ownId?: string): Promise<void> => {
    const second = secondOf(event.at)
    const sessions = await keycloakUsers.sessions.list(userId)
    const signedIn = await signIns.findAll({
      where: { sessionId: sessions.map(({ id }) => id), at: { [Op.gte]: new Date(event.at) } },
      transaction: tx,
    })
    const laterIds = new Set(signedIn.map(({ sessionId }) => sessionId))
    const isKept = ({ id, startedAt }: KeycloakSession) =>
      id === ownId || secondOf(startedAt) > second || (secondOf(startedAt) === second && laterIds.has(id))
    const [kept, ended] = [sessions.filter(isKept), sessions.filter((session) => !isKept(session))]
    for (const session of ended) await keycloakUsers.sessions.end(session)
    await signIns.destroy({ where: { sessionId: ended.map(({ id }) => id) }, transaction: tx })
    await emailLinks.withdraw(tx, userId)
    const endedIds = ended.map(({ id }) => id)
    const revocations = [ofUser(userId, event.at, kept), ...ofSessions(userId, endedIds)]
    await sync.recordSignOut(tx, userId, revocations, await actorOf(event, tx))
  }

  /** A new password, a followed link in a mail and Keycloak's own unlock end the locks after failed sign-ins. */
  const liftLocks = async (tx: Tx, userId: string, events: EventGroup): Promise<void> => {
    if (events.some(({ change }) => change.kind === 'credentials' || change.kind === 'mail_link_followed'))
      return locks.forgetFailures(userId, tx)
    const unlock = events.findLast(({ change }) => change.kind === 'unlocked')
    // If user-service itself lifted Keycloak's lock, it decides about its own.
    if (unlock && unlock.actorId !== (await eventLogs.serviceAccountId())) await locks.forgetOwnFailures(userId, tx)
  }

  const handleUserEvents = async (tx: Tx, userId: string, events: EventGroup): Promise<void> => {
    const changes = events.filter(({ change }) => change.kind === 'user' || change.kind === 'mail_link_followed')
    const known = (await users.count({ where: { id: userId, deletedAt: null }, transaction: tx })) > 0
    const last = changes.at(-1) ?? (known ? undefined : events.at(-1))
    const syncUser = changes.some(isSignUp) ? signUpRole.syncSignedUp : sync.syncUser
    const user = last && (await syncUser(userId, await actorOf(last, tx), tx))
    const revoking = changes.findLast(({ change }) => change.kind === 'user' && change.mayRevokeAccess)
    // The roles before the change were not known here, so nothing shows what was lost: tokens issued earlier are revoked.
    if (!known && revoking) await revokeTokens(db, tx, [userId], user?.enabled ? secondBefore(revoking) : new Date())
    for (const event of events) await recordSession(tx, userId, event)
    const credentials = events.findLast(({ change }) => change.kind === 'credentials')
    if (credentials?.change.kind === 'credentials')
      await endFormerSessions(tx, userId, credentials, credentials.change.sessionId)
    await liftLocks(tx, userId, events)
  }

  const handleSessionRemoved = async (tx: Tx, event: KeycloakEvent, sessionId: string): Promise<void> => {
    // user-service itself ended the session, and recorded the sign-out then.
    if (event.actorId === (await eventLogs.serviceAccountId())) return
    const userId = await deleteSignIn(signIns, tx, sessionId)
    if (userId === undefined) {
      await revokeUnknownSession(db, sessionId, new Date(event.at))
      throw new NotYetKnown('the removed session is not known')
    }
    await sync.recordSignOut(tx, userId, ofSessions(userId, [sessionId], event.at), await actorOf(event, tx))
  }

  const handleOther = async (tx: Tx, event: KeycloakEvent): Promise<void> => {
    const { change } = event
    if (change.kind === 'session_removed') await handleSessionRemoved(tx, event, change.sessionId)
    if (change.kind === 'all_roles') await roleCheck.markAll(tx)
    if (change.kind === 'group_roles') await roleCheck.markGroupMembers(tx, change.groupId)
    if (change.kind === 'client')
      await serviceAccounts.follow(tx, change, change.ends === 'before' ? secondBefore(event) : new Date(event.at))
    if (change.kind === 'all_signed_out')
      await realmSignOut.apply(tx, change.notBefore, event.at, await actorOf(event, tx))
  }

  return {
    /** @throws NotYetKnown if a removed session is not known; Problem 503 when Keycloak is unavailable */
    handle: async (events: EventGroup): Promise<void> => {
      await db.transaction(async (tx) => {
        const claimed = await claimNew(tx, events)
        const [first] = claimed
        if (!first) return
        const userId = userIdOf(first)
        if (userId === undefined) await handleOther(tx, first)
        else await handleUserEvents(tx, userId, claimed)
      })
    },
    /** Stores the events' ids without handling the events, and why they were given up, if they were. */
    skip: async (events: EventGroup, givenUpReason?: string): Promise<void> => {
      await db.transaction(async (tx) => {
        const ids = (await claimNew(tx, events)).map(({ id }) => id)
        if (givenUpReason !== undefined)
          await models.keycloakEvents.update({ givenUpReason }, { where: { id: ids }, transaction: tx })
      })
    },
  }
}
export type EventHandler = ReturnType<typeof createEventHandler>
