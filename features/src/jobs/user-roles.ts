import { userEvents, userSignedOut } from '@clientele/contracts/user'
import type { Db } from '@clientele/platform/data/db'
import { afterCommit } from '@clientele/platform/data/transaction'
import { type Consumer, consumer } from '@clientele/platform/events/consumer/consumer'
import { stateAfter, type UserProjection } from '../users/user-projection.ts'
import type { JobTable } from './job.store.ts'
import { deleteLinksOf } from './job-links.ts'

const upsert = `insert into user_roles (id, version, roles) values ($1, $2, $3) on conflict (id) do update
  set version = excluded.version, roles = excluded.roles where user_roles.version < excluded.version returning id`

type Deps = { db: Db; table: JobTable; wake: () => void }

/**
 * The projection of the roles of users. When a user loses access, the user's jobs are cancelled, and the user's links to files are
 * deleted.
 */
export const userRoleProjection = ({ db, table, wake }: Deps): UserProjection => ({
  table: 'user_roles',
  apply: async ({ id, version, roles }, tx) => {
    const isStored = (await db.query(upsert, [id, version, roles], { tx })).length > 0
    if (!isStored || roles.includes('user')) return
    await table.cancelAllOfOwner(id, tx)
    await deleteLinksOf(db, id, tx)
    afterCommit(tx, wake)
  },
})

/** Updates the roles of users. A sign-out deletes the user's links to files as well. */
export const jobOwnerConsumer = (service: string, { apply }: UserProjection, db: Db): Consumer =>
  consumer({
    queue: `${service}.job-owners`,
    events: userEvents,
    handle: (event, tx) =>
      event.type === userSignedOut.type ? deleteLinksOf(db, event.subject, tx) : apply(stateAfter(event), tx),
  })
