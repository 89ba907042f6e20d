import { type UserState, UserStates } from '@clientele/contracts/user'
import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import { pageReconciliationTask } from '../reconciliation/page-reconciliation.ts'
import type { UserProjection } from './user-projection.ts'

const selectCurrent = (table: string) => `select id from ${table}
  join unnest($1::text[], $2::integer[]) as source (id, version) using (id) where ${table}.version >= source.version`

type Options = { userServiceInternalUrl: string; db: Db; projections: readonly UserProjection[]; log: Log }

/** Compares the projections of users with user-service at the start and every ten minutes. */
export const userReconciliationTask = ({ userServiceInternalUrl, db, projections, log }: Options): Task =>
  pageReconciliationTask<UserState>({
    name: 'user-reconciliation',
    service: 'user-service',
    records: 'users',
    url: `${userServiceInternalUrl}/users`,
    schema: UserStates,
    log,
    store: (users) =>
      db.transaction(async (tx) => {
        const versions = [users.map(({ id }) => id), users.map(({ version }) => version)]
        for (const { table, apply } of projections) {
          const current = await db.query<{ id: string }>(selectCurrent(table), versions, { tx })
          const ids = new Set(current.map(({ id }) => id))
          for (const user of users) if (!ids.has(user.id)) await apply(user, tx)
        }
      }),
  })
