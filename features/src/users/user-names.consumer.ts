import { userEvents } from '@clientele/contracts/user'
import { deletedUserName, type UserNames } from '@clientele/platform/data/user-names'
import { type Consumer, consumer } from '@clientele/platform/events/consumer/consumer'
import { queueErasure } from './name-erasure.ts'
import { stateAfter, type UserProjection } from './user-projection.ts'

/** The projection of the display names of users. The stored names of deleted users are erased. */
export const userNameProjection = (userNames: UserNames): UserProjection => ({
  table: 'user_names',
  apply: async ({ id, version, displayName, deleted }, tx) => {
    const name = displayName.includes('@') ? '' : displayName
    const row = { id, version, displayName: deleted ? deletedUserName : name, deleted }
    const stored = await userNames.upsertIfNewer(row, tx)
    if (stored && deleted) await queueErasure(id, tx)
  },
})

type Deps = { service: string; userNames: UserNames }

/** Updates the display names of users. Every user event carries the name. */
export const userNameConsumer = ({ service, userNames }: Deps): Consumer => {
  const { apply } = userNameProjection(userNames)
  return consumer({
    queue: `${service}.user-names`,
    events: userEvents,
    handle: (event, tx) => apply(stateAfter(event), tx),
  })
}
