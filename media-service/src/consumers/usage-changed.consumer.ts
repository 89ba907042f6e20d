import {
  customerCreated,
  customerDeleted,
  customerPurged,
  customerRestored,
  customerUpdated,
} from '@clientele/contracts/customer'
import {
  productArchived,
  productCreated,
  productPurged,
  productRestored,
  productUpdated,
} from '@clientele/contracts/product'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { MediaUsageProjection } from '../media/media-usage.projection.ts'

export const usageEvents = [
  ...[customerCreated, customerDeleted, customerPurged, customerRestored, customerUpdated],
  ...[productArchived, productCreated, productPurged, productRestored, productUpdated],
]

const updatedTypes: readonly string[] = [customerUpdated.type, productUpdated.type]
const purgedTypes: readonly string[] = [customerPurged.type, productPurged.type]
const idOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** Whether a subject that has no photo in this event may have had one before it. */
const mayHaveHadPhoto = ({ type, data: { changed } }: { type: string; data: { changed?: string[] | undefined } }) =>
  purgedTypes.includes(type) || (updatedTypes.includes(type) && changed?.includes('photoMediaId') !== false)

/** Records which image each customer and product shows. One in the trash keeps its photo; a purged one has none. */
export const usageConsumer = ({ usages }: { usages: MediaUsageProjection }) =>
  consumer({
    queue: 'media-service.usage',
    events: usageEvents,
    filter: (event) => event.data.photoMediaId !== null || mayHaveHadPhoto(event),
    handle: ({ type, subject, data }, tx) => {
      const purged = purgedTypes.includes(type)
      return usages.upsertIfNewer(
        {
          subject,
          version: data.version,
          mediaId: purged ? null : data.photoMediaId,
          previousId: purged ? data.photoMediaId : idOf(data.previous?.['photoMediaId']),
        },
        tx,
      )
    },
  })
