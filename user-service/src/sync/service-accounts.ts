import { acquireLock } from '@clientele/platform/data/advisory-lock'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { WhereOptions } from 'sequelize'
import type { ClientChange } from '../keycloak/client-change.ts'
import { type KeycloakUsers, serviceAccountName } from '../keycloak/keycloak-users.ts'
import type { Models } from '../models.ts'
import { revokeTokens } from '../revocations/revocations.ts'

type Deps = { db: Db; models: Models; keycloakUsers: KeycloakUsers }

export type ServiceAccounts = ReturnType<typeof createServiceAccounts>

/**
 * Ends the tokens of clients that were disabled, deleted or got a new secret. A token of a client has the id of its service
 * account as `sub`.
 *
 * Events name a client by Keycloak's own id, by its client id, or both. Reading clients needs the right `view-clients`, which
 * also shows their secrets; user-service does without. It lists the service accounts among the users, whose usernames contain
 * the client id, and learns Keycloak's id of a client from events that show both. An event with an unknown id ends the tokens
 * of all clients whose id is unknown: they can get new ones at once, unless it was meant for them.
 */
export const createServiceAccounts = ({ db, models: { serviceAccounts }, keycloakUsers }: Deps) => {
  const idsOf = async (tx: Tx, where: WhereOptions): Promise<string[]> =>
    (await serviceAccounts.findAll({ attributes: ['userId'], where, transaction: tx, raw: true })).map(
      ({ userId }) => userId,
    )

  /** Events of one client are handled at the same time, and one may show the id that another needs. */
  const lock = (tx: Tx) => acquireLock(db, tx, 'service accounts')

  /** Stores the service accounts that Keycloak has now. @returns their ids */
  const refresh = async (tx: Tx): Promise<Set<string>> => {
    const present = await keycloakUsers.serviceAccounts()
    await serviceAccounts.bulkCreate(present, { updateOnDuplicate: ['username'], transaction: tx })
    return new Set(present.map(({ userId }) => userId))
  }

  const find = async (tx: Tx, { clientKey, clientId, ends }: ClientChange): Promise<string[]> => {
    const known = await idsOf(tx, { clientKey })
    if (known.length > 0) return known
    await refresh(tx)
    if (clientId === undefined) return ends === 'none' ? [] : idsOf(tx, { clientKey: null })
    const where = { username: serviceAccountName(clientId), clientKey: null }
    await serviceAccounts.update({ clientKey }, { where, transaction: tx })
    return idsOf(tx, { clientKey })
  }

  return {
    /** Follows a change of a client. Tokens that end are those issued at or before `notBefore`. */
    follow: async (tx: Tx, change: ClientChange, notBefore: Date): Promise<void> => {
      await lock(tx)
      const ids = await find(tx, change)
      if (change.ends !== 'none' && ids.length > 0) await revokeTokens(db, tx, ids, notBefore)
      if (change.isGone) await serviceAccounts.destroy({ where: { clientKey: change.clientKey }, transaction: tx })
    },

    /** Stores new service accounts, and ends the tokens of those that are gone, whether an event was seen or not. */
    reconcile: async (): Promise<void> => {
      await db.transaction(async (tx) => {
        await lock(tx)
        const present = await refresh(tx)
        const gone = (await idsOf(tx, {})).filter((id) => !present.has(id))
        if (gone.length === 0) return
        await revokeTokens(db, tx, gone, new Date())
        await serviceAccounts.destroy({ where: { userId: gone }, transaction: tx })
      })
    },
  }
}
