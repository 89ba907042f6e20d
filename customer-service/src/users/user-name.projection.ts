import type { Db, Tx } from '@clientele/platform/data/db'
import { upsertIfNewer } from '@clientele/platform/data/projection'
import type { InferAttributes } from 'sequelize'
import { defineUserNames, type UserNameModel } from './user-name.model.ts'

export type UserNames = ReturnType<typeof createUserNames>

/** The display names of users, as the events of user-service tell them. */
export const createUserNames = (db: Db) => {
  const model = defineUserNames(db.sequelize)
  return {
    upsertIfNewer: (user: InferAttributes<UserNameModel>, tx: Tx): Promise<boolean> => upsertIfNewer(model, user, tx),

    /** Names by id; unknown users are left out. */
    of: async (ids: Iterable<string>, tx?: Tx): Promise<Map<string, string>> => {
      const transaction = tx ?? db.requestTransaction() ?? null
      const rows = await model.findAll({ where: { id: [...new Set(ids)] }, raw: true, transaction })
      return new Map(rows.map(({ id, displayName }) => [id, displayName]))
    },
  }
}
