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

const createdTypes: readonly string[] = [customerCreated.type, productCreated.type]
const purgedTypes: readonly string[] = [customerPurged.type, productPurged.type]
const idOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** Records which image each customer and product shows. One in the trash keeps its photo; a purged one has none. */
export const usageConsumer = ({ usages }: { usages: MediaUsageProjection }) =>
  consumer({
    queue: 'media-service.usage',
    events: usageEvents,
    filter: ({ type, data }) => data.photoMediaId !== null || !createdTypes.includes(type),
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
