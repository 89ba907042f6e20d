import { customerEvents, customerPurged } from '@clientele/contracts/customer'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { CustomerProjection } from '../customers/customer.projection.ts'

/** Updates the projection of customers. Every event contains the whole customer. */
export const customerConsumer = ({ customers }: { customers: CustomerProjection }) =>
  consumer({
    queue: 'notification-service.customers',
    events: customerEvents,
    handleAll: (events, tx) => {
      const changes = events.map(({ type, data }) => ({ data, purged: type === customerPurged.type }))
      return customers.upsertIfNewer(changes, tx)
    },
  })
