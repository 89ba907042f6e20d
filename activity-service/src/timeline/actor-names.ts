import type { RecordedEvent } from '@clientele/contracts/activity'
import { userDeleted } from '@clientele/contracts/user'
import type { Db, Tx } from '@clientele/platform/data/db'
import { createUserNames, deletedUserName } from '@clientele/platform/data/user-names'
import type { ReceivedEvent } from '@clientele/platform/events/consumer/ordered-consumer'
import { z } from 'zod'
import { kindOf } from '../events/event.kinds.ts'

const UserData = z.looseObject({ displayName: z.string(), version: z.int().min(1).max(2_147_483_647) })

/** Creates what knows the names of users, by their recorded events. */
export const createActorNames = ({ db }: { db: Db }) => {
  const userNames = createUserNames(db)
  return {
    /** Notes the names in the events of users. */
    note: async (events: readonly ReceivedEvent[], tx: Tx): Promise<void> => {
      for (const { type, subject, data } of events) {
        const user = kindOf(type) === 'user' ? UserData.safeParse(data).data : undefined
        if (!user) continue
        const deleted = type === userDeleted.type
        const name = user.displayName.includes('@') ? '' : user.displayName
        const displayName = deleted ? deletedUserName : name
        await userNames.upsertIfNewer({ id: subject, version: user.version, displayName, deleted }, tx)
      }
    },

    /** Shows the actors of events by their current names. Those that the service has no event of keep the names in the events. */
    show: async (events: readonly RecordedEvent[]): Promise<RecordedEvent[]> => {
      const actors = events.map(({ actor }) => ({ userId: actor?.id ?? '', userName: actor?.displayName ?? '' }))
      const named = await userNames.withCurrentNames(actors)
      return events.map((event, index) => {
        const { actor } = event
        // The name in a redacted event was removed.
        if (actor === null || actor.displayName === null) return event
        return { ...event, actor: { ...actor, displayName: named[index]?.userName ?? actor.displayName } }
      })
    },
  }
}
export type ActorNames = ReturnType<typeof createActorNames>
