import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { upsertIfNewer } from '@clientele/platform/data/projection'
import { afterCommit } from '@clientele/platform/data/transaction'
import type { InferAttributes } from 'sequelize'
import { Lru } from 'toad-cache'
import { defineUserNames, type UserNameModel } from './user-name.model.ts'

/** Who made and who changed something last, with the names in their tokens at that time. */
type Authored = { createdBy: string; createdByName: string; updatedBy: string; updatedByName: string }

const maxNames = 5_000
// Another replica may learn of a new name first; this one shows it no later than that.
const cacheMs = 5_000

export type UserNames = ReturnType<typeof createUserNames>

/** The display names of users, as the events of user-service tell them. */
export const createUserNames = (db: Db) => {
  const model = defineUserNames(db.sequelize)
  /** Null for a user of whom nothing is known. */
  const cache = new Lru<string | null>(maxNames, cacheMs)

  const of = async (ids: Iterable<string>, tx?: Tx): Promise<Map<string, string>> => {
    const wanted = [...new Set(ids)]
    const missing = wanted.filter((id) => cache.get(id) === undefined)
    if (missing.length > 0) {
      const transaction = tx ?? db.requestTransaction() ?? null
      const rows = await model.findAll({ where: { id: missing }, raw: true, transaction })
      const names = new Map(rows.map(({ id, displayName }) => [id, displayName]))
      for (const id of missing) cache.set(id, names.get(id) ?? null)
    }
    return new Map(wanted.flatMap((id): [string, string][] => (cache.get(id) ? [[id, cache.get(id) ?? '']] : [])))
  }

  return {
    upsertIfNewer: async (user: InferAttributes<UserNameModel>, tx: Tx): Promise<void> => {
      if (await upsertIfNewer(model, user, tx)) afterCommit(tx, () => cache.delete(user.id))
    },

    /** Names by id; unknown users are left out. */
    of,

    /** The actor with their current name; the name in their token serves for somebody unknown. */
    inActor: async (actor: Actor, tx: Tx): Promise<Actor> => {
      const names = await of([actor.id], tx)
      return { ...actor, displayName: names.get(actor.id) ?? actor.displayName }
    },

    /** Rows with the current names of who made and changed them; the name in a token serves for somebody unknown. */
    inRows: async <Row extends Authored>(rows: readonly Row[], tx?: Tx): Promise<Row[]> => {
      const names = await of(
        rows.flatMap(({ createdBy, updatedBy }) => [createdBy, updatedBy]),
        tx,
      )
      return rows.map((row) => ({
        ...row,
        createdByName: names.get(row.createdBy) ?? row.createdByName,
        updatedByName: names.get(row.updatedBy) ?? row.updatedByName,
      }))
    },
  }
}
