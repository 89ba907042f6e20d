import { userDeleted, userEvents } from '@clientele/contracts/user'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { UserNames } from '../users/user-name.projection.ts'

/** Keeps the display names of users; every event of a user carries the name. */
export const userChanged = ({ userNames }: { userNames: UserNames }) =>
  consumer({
    queue: 'customer-service.user-names',
    events: userEvents,
    handle: ({ type, subject, data }, tx) =>
      userNames.upsertIfNewer(
        { id: subject, displayName: data.displayName, version: data.version, deleted: type === userDeleted.type },
        tx,
      ),
  })
