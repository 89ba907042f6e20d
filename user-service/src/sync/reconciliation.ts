import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Log } from '@clientele/platform/runtime/log'
import { counter } from '@clientele/platform/runtime/telemetry'
import { Op } from 'sequelize'
import { isSignUpProbe } from '../accounts/signup-intents.ts'
import type { KeycloakUser, KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { Models } from '../models.ts'
import type { UserModel } from '../users/user.model.ts'
import { profileOf, searchTextOf } from '../users/user.presenter.ts'
import type { UserSync } from '../users/user-sync.ts'
import { forEachConcurrently } from './for-each-concurrently.ts'
import type { RoleCheck } from './role-check.ts'

type Deps = { models: Models; keycloakUsers: KeycloakUsers; sync: UserSync; roleCheck: RoleCheck; log: Log }
type ListedUser = Omit<KeycloakUser, 'notBefore'>

const pageSize = 500
/** Pages overlap by 50, because users who are created or deleted meanwhile shift the pages. */
const pageStep = 450
const concurrency = 2

const isSame = (row: UserModel, keycloakUser: ListedUser): boolean => {
  const expected = {
    ...profileOf(keycloakUser),
    enabled: keycloakUser.enabled && row.withheld === null,
    deletedAt: null,
    // An earlier release wrote other search texts.
    searchText: searchTextOf(keycloakUser),
  }
  return (Object.keys(expected) as (keyof typeof expected)[]).every((name) => row[name] === expected[name])
}

/**
 * Compares every user of Keycloak with the projection, and syncs those that differ. It finds changes that no event showed,
 * for example while the event logs were switched off, or after Keycloak's backup was restored.
 *
 * A run goes through three steps. First it reads Keycloak's users in pages of 500 and syncs those that differ from their
 * row; the list shows neither roles nor `notBefore`, so only differing users cost further calls. Then it syncs the rows
 * whose user was on no page: Keycloak is asked for each of them before the row becomes a tombstone. Last it marks users for
 * the role check: all administrators, and the 2,000 users whose roles were checked longest ago.
 */
export const createReconciliation = ({ models: { users }, keycloakUsers, sync, roleCheck, log }: Deps) => {
  const actor = actorRef(systemActor('user-service'))
  const reconciled = counter('reconciled_users_total', 'Users that a reconciliation found to differ from Keycloak', [
    'outcome',
  ])
  for (const outcome of ['done', 'failed']) reconciled.inc({ outcome }, 0)

  const idsToSync = async (page: ListedUser[]): Promise<string[]> => {
    const rows = await users.findAll({ where: { id: page.map(({ id }) => id) }, raw: true })
    const known = new Map(rows.map((row) => [row.id, row]))
    return page
      .filter((keycloakUser) => {
        const row = known.get(keycloakUser.id)
        return isSignUpProbe(keycloakUser.username) || !row || row.hasFormerAddress || !isSame(row, keycloakUser)
      })
      .map(({ id }) => id)
  }

  const syncUsers = async (ids: string[]): Promise<void> => {
    const failures = await forEachConcurrently(ids, concurrency, (id) => sync.syncUser(id, actor))
    reconciled.inc({ outcome: 'done' }, ids.length - failures.length)
    reconciled.inc({ outcome: 'failed' }, failures.length)
    if (failures[0]) log.warn({ err: failures[0].error, users: failures.length }, 'users could not be reconciled')
    if (ids.length > failures.length) log.info({ users: ids.length - failures.length }, 'users reconciled')
  }

  /** Syncs the rows whose user is not in `present`, the ids of all pages. */
  const syncMissing = async (present: Set<string>, signal: AbortSignal): Promise<void> => {
    for (let after = ''; !signal.aborted; ) {
      const rows = await users.findAll({
        attributes: ['id'],
        where: { id: { [Op.gt]: after }, deletedAt: null },
        order: ['id'],
        limit: pageSize,
        raw: true,
      })
      const missing = rows.map(({ id }) => id).filter((id) => !present.has(id))
      if (missing.length > 0) await syncUsers(missing)
      after = rows.at(-1)?.id ?? after
      if (rows.length < pageSize) return
    }
  }

  return {
    /** Ends early, without the further steps, when `signal` aborts. */
    run: async (signal: AbortSignal): Promise<void> => {
      const present = new Set<string>()
      for (let first = 0; !signal.aborted; first += pageStep) {
        const page = await keycloakUsers.page(first, pageSize)
        for (const { id } of page) present.add(id)
        const ids = await idsToSync(page)
        if (ids.length > 0) await syncUsers(ids)
        if (page.length === 0) break
      }
      if (signal.aborted) return
      await syncMissing(present, signal)
      await roleCheck.markOldest()
    },
  }
}
