import { activityEvents } from '@clientele/contracts/activity'
import { customerEvents, customerPurged } from '@clientele/contracts/customer'
import { importFinished } from '@clientele/contracts/imports/import'
import { mediaEvents } from '@clientele/contracts/media'
import { notificationEvents } from '@clientele/contracts/notification'
import { orderEvents } from '@clientele/contracts/order'
import { productEvents } from '@clientele/contracts/product'
import { userEvents } from '@clientele/contracts/user'
import { webhookEvents } from '@clientele/contracts/webhook'
import { orderedConsumer } from '@clientele/platform/events/consumer/ordered-consumer'
import type { EventWriter } from '../events/event.writer.ts'
import type { Redaction } from '../events/redaction.ts'
import type { ActorNames } from '../timeline/actor-names.ts'

/** The events of this release. Events of types that it does not know are recorded too. */
export const recordedEvents = [
  ...customerEvents,
  ...productEvents,
  ...orderEvents,
  ...notificationEvents,
  ...mediaEvents,
  ...userEvents,
  importFinished,
  ...activityEvents,
  ...webhookEvents,
]

type Deps = { writer: EventWriter; redaction: Redaction; actorNames: ActorNames; onRecorded(): void }

/** Records every event, and redacts the events of customers that are purged. */
export const recordEvents = ({ writer, redaction, actorNames, onRecorded }: Deps) =>
  orderedConsumer({
    queue: 'activity-service.events',
    events: recordedEvents,
    handle: async (batch, tx) => {
      await writer.add(batch, tx)
      await actorNames.note(batch.events, tx)
      for (const { type, subject } of batch.events)
        if (type === customerPurged.type) await redaction.redact(subject, tx)
    },
    onCommitted: onRecorded,
  })
