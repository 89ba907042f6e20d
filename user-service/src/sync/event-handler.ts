import type { ActorRef } from '@clientele/contracts/fields'
import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { Journals, KeycloakEvent } from '../keycloak/events.ts'
import type { Models } from '../models.ts'
import { revoke } from '../users/revocations.ts'
import { takeSignIn } from '../users/sign-ins.ts'
import type { UserSync } from '../users/user-sync.ts'
import type { EverybodySignedOut } from './everybody-signed-out.ts'
import type { RoleCheck } from './role-check.ts'

type Deps = {
  db: Db
  models: Models
  journals: Journals
  sync: UserSync
  roleCheck: RoleCheck
  everybody: EverybodySignedOut
}

/** Events that are worked off together: those of one user, or one other. In their order. */
export type Bundle = KeycloakEvent[]

/** What the event is about is not known yet: its other half may still stand in the other journal. */
export class TryLater extends Error {
  override name = 'TryLater'
}

/**
 * What a user who was not known yet has lost cannot be seen by comparing, and tokens may have been issued before. Those of
 * the same second may be newer than the loss: they are left to expire.
 */
const justBefore = ({ at }: KeycloakEvent): Date => new Date(at - 1_000)

const userOf = ({ meaning }: KeycloakEvent): string | undefined => ('userId' in meaning ? meaning.userId : undefined)

/** A user who was changed ten times is read once. */
export const bundle = (events: KeycloakEvent[]): Bundle[] => {
  const byUser = Map.groupBy(events, (event) => userOf(event) ?? event.id)
  return [...byUser.values()]
}

/** What Keycloak's events lead to, each once: its id is stored in the transaction of what it leads to. */
export const createEventHandler = ({ db, models, journals, sync, roleCheck, everybody }: Deps) => {
  const { users, signIns } = models

  /** The events that nobody has claimed yet. SQL, since `bulkCreate` does not say which rows were new. */
  const claim = async (tx: Tx, events: Bundle): Promise<Bundle> => {
    const claimed = await db.query<{ id: string }>(
      `insert into keycloak_events (id, source, occurred_at) select * from unnest($1::text[], $2::text[], $3::bigint[]) on conflict do nothing returning id`,
      [events.map(({ id }) => id), events.map(({ source }) => source), events.map(({ at }) => at)],
      { tx },
    )
    const ids = new Set(claimed.map(({ id }) => id))
    return events.filter(({ id }) => ids.has(id))
  }

  const actorOf = async ({ by }: KeycloakEvent, tx: Tx): Promise<ActorRef> => {
    if (by === undefined || by === (await journals.ownId())) return actorRef(systemActor('user-service'))
    const known = await users.findByPk(by, { attributes: ['displayName'], transaction: tx })
    return { id: by, displayName: known?.displayName ?? 'Keycloak administrator' }
  }

  const signedIn = async (tx: Tx, userId: string, sessionId: string, at: Date): Promise<void> => {
    await db.query('update users set last_login_at = greatest(last_login_at, $2) where id = $1', [userId, at], { tx })
    await signIns.bulkCreate([{ sessionId, userId, at }], { ignoreDuplicates: true, transaction: tx })
  }

  const forUser = async (tx: Tx, userId: string, events: Bundle): Promise<void> => {
    const changes = events.filter(({ meaning }) => meaning.kind === 'user')
    const known = (await users.count({ where: { id: userId, deletedAt: null }, transaction: tx })) > 0
    const last = changes.at(-1) ?? (known ? undefined : events.at(-1))
    const user = last && (await sync.sync(userId, await actorOf(last, tx), tx))
    const lowering = changes.findLast(({ meaning }) => meaning.kind === 'user' && meaning.lowers)
    if (!known && lowering) await revoke(db, tx, [userId], user?.enabled ? justBefore(lowering) : new Date())
    for (const { meaning, at } of events) {
      if (meaning.kind === 'login') await signedIn(tx, userId, meaning.sessionId, new Date(at))
      if (meaning.kind === 'logout') {
        await sync.signedOut(tx, userId, new Date(at))
        await signIns.destroy({ where: { sessionId: meaning.sessionId }, transaction: tx })
      }
    }
  }

  const sessionRemoved = async (tx: Tx, event: KeycloakEvent, sessionId: string): Promise<void> => {
    const userId = await takeSignIn(signIns, tx, sessionId)
    if (userId === undefined) throw new TryLater('a session of nobody known was removed')
    await sync.signedOut(tx, userId, new Date(event.at), await actorOf(event, tx))
  }

  const one = async (tx: Tx, event: KeycloakEvent): Promise<void> => {
    const { meaning } = event
    if (meaning.kind === 'session_removed') await sessionRemoved(tx, event, meaning.sessionId)
    if (meaning.kind === 'any_roles') await roleCheck.everybodyAgain(tx)
    if (meaning.kind === 'group_roles') await roleCheck.membersAgain(tx, meaning.groupId)
    if (meaning.kind === 'everybody_signed_out')
      await everybody.signedOut(tx, meaning.notBefore, await actorOf(event, tx))
  }

  return {
    handle: async (events: Bundle): Promise<void> => {
      await db.transaction(async (tx) => {
        const fresh = await claim(tx, events)
        const [first] = fresh
        if (!first) return
        const userId = userOf(first)
        if (userId === undefined) await one(tx, first)
        else await forUser(tx, userId, fresh)
      })
    },
    /** Marks events as done without doing anything. */
    skip: async (events: Bundle): Promise<void> => {
      await db.transaction((tx) => claim(tx, events))
    },
  }
}
export type EventHandler = ReturnType<typeof createEventHandler>
