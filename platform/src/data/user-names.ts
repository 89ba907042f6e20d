import type { InferAttributes } from 'sequelize'
import { Lru } from 'toad-cache'
import { publicName } from '../runtime/display-name.ts'
import type { Db, Tx } from './database.ts'
import { upsertIfNewer } from './projection.ts'
import type { StampActor } from './stamps.ts'
import { afterCommit } from './transaction.ts'
import { defineUserNames, type UserNameModel } from './user-name.model.ts'

/** The name that every service shows for a deleted user. */
export const deletedUserName = 'deleted user'

const maxNames = 5_000
// If another replica handles the event of a new name, this one shows the old name for at most this time.
const cacheMs = 5_000
/** The properties of rows that hold the id of a user, and the name that the user had when the row was written. */
const nameProperties = [
  ['createdBy', 'createdByName'],
  ['updatedBy', 'updatedByName'],
  ['ownerId', 'ownerName'],
  ['userId', 'userName'],
] as const

export type UserNames = ReturnType<typeof createUserNames>

/**
 * A projection of the display names of users, kept by the events of user-service. The schema needs the table `user_names`. Names
 * are looked up when records are read, so that a new name, and that a user was deleted, is shown in older records as well.
 */
export const createUserNames = (db: Db) => {
  const model = defineUserNames(db.sequelize)
  /** Null for an unknown user. */
  const cache = new Lru<string | null>(maxNames, cacheMs)

  const findNames = async (ids: Iterable<string>, tx?: Tx): Promise<Map<string, string>> => {
    const unique = [...new Set(ids)]
    const names = new Map<string, string>()
    const missing: string[] = []
    for (const id of unique) {
      const name = cache.get(id)
      if (name === undefined) missing.push(id)
      else if (name !== null) names.set(id, name)
    }
    if (missing.length === 0) return names
    const transaction = tx ?? db.requestTransaction() ?? null
    const rows = await model.findAll({ where: { id: missing }, raw: true, transaction })
    for (const { id, displayName } of rows) names.set(id, publicName(id, displayName))
    for (const id of missing) cache.set(id, names.get(id) ?? null)
    return names
  }

  return {
    /** Stores a name, unless the stored version is the same or newer. @returns whether it was stored */
    upsertIfNewer: async (user: InferAttributes<UserNameModel>, tx: Tx): Promise<boolean> => {
      const stored = await upsertIfNewer(model, user, tx)
      if (stored) afterCommit(tx, () => cache.delete(user.id))
      return stored
    },

    /** The actor with their current name, or with that of the token if the user is unknown. */
    withCurrentName: async <A extends StampActor>(actor: A, tx?: Tx): Promise<A> => {
      const names = await findNames([actor.id], tx)
      return { ...actor, displayName: names.get(actor.id) ?? actor.displayName }
    },

    /**
     * Returns the rows with the current names of their users, by one query for all of them: `createdByName`, `updatedByName`,
     * `ownerName` and `userName`, as far as a row has them. Users without an event, such as programs, keep the name that is stored.
     */
    withCurrentNames: async <Row extends object>(rows: readonly Row[], tx?: Tx): Promise<Row[]> => {
      const [first] = rows
      if (first === undefined) return []
      const properties = nameProperties.filter(([, name]) => name in first)
      const records = rows as readonly Record<string, string>[]
      const names = await findNames(
        records.flatMap((row) => properties.map(([id]) => row[id] ?? '')),
        tx,
      )
      return records.map((row) => {
        const current: Record<string, string> = {}
        for (const [idProperty, name] of properties) {
          const id = row[idProperty] ?? ''
          current[name] = names.get(id) ?? publicName(id, row[name])
        }
        return { ...row, ...current } as Row
      })
    },
  }
}
