import type { Db, Tx } from '@clientele/platform/data/db'

const keepNewest = `insert into user_names (id, display_name, version, deleted) values ($1, $2, $3, $4)
on conflict (id) do update set display_name = excluded.display_name, version = excluded.version, deleted = excluded.deleted
where user_names.version < excluded.version`

const read = 'select id, display_name as "displayName" from user_names where id = any($1)'

export type UserNames = ReturnType<typeof createUserNames>

/** The display names of users, as the events of user-service tell them. A deleted user keeps a name. */
export const createUserNames = (db: Db) => ({
  /** Ignores what is older than what is known. */
  keepNewest: async (
    user: { id: string; displayName: string; version: number; deleted: boolean },
    tx: Tx,
  ): Promise<void> => {
    await db.query(keepNewest, [user.id, user.displayName, user.version, user.deleted], { tx, name: 'user_name_keep' })
  },

  /** Names by id; unknown users are left out. */
  of: async (ids: Iterable<string>, tx?: Tx): Promise<Map<string, string>> => {
    const rows = await db.query<{ id: string; displayName: string }>(read, [[...new Set(ids)]], {
      tx,
      name: 'user_names_read',
    })
    return new Map(rows.map(({ id, displayName }) => [id, displayName]))
  },
})
