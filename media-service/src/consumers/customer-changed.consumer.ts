import {
  customerCreated,
  customerDeleted,
  customerPurged,
  customerRestored,
  customerUpdated,
} from '@clientele/contracts/customer'
import { consumer } from '@clientele/platform/consumer'
import type { Usages } from '../media/media.usage.ts'

const idOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** Customers show media. One in the trash keeps its photo; a purged one shows nothing any more. */
export const customerChanged = ({ usages }: { usages: Usages }) =>
  consumer({
    queue: 'media-service.usage',
    events: [customerCreated, customerUpdated, customerDeleted, customerRestored, customerPurged],
    handle: ({ type, subject, data }, tx) => {
      const purged = type === customerPurged.type
      return usages.apply(
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
