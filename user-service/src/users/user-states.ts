import type { UserState } from '@clientele/contracts/user'
import type { Db } from '@clientele/platform/data/db'

const select = `select id, version, display_name as "displayName", deleted_at is not null as deleted,
  case when deleted_at is null and enabled then roles else '{}' end as roles
from users where id > $1 order by id limit $2`

/** Returns what other services keep of users, by id after `after`, also of deleted users. */
export const readUserStates = (db: Db, after: string, limit: number): Promise<UserState[]> =>
  db.query<UserState>(select, [after, limit])
